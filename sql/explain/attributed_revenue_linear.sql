-- attributed_revenue_linear: the credits of deals won in a period, behind a partner's attributed revenue (linear).
-- record_kind VARCHAR: credit
-- ref_id VARCHAR: native key of the record
-- happened_on DATE: local day of closing
-- amount DECIMAL(18,4): amount in the reporting currency; null where it cannot be converted
-- counts_as VARCHAR: numerator, denominator or both
-- contribution DECIMAL(18,4): what the record adds; the contributions sum to the numerator and denominator of fct_metric
-- detail VARCHAR: the deal's amount and the number of partners that share it
-- source VARCHAR: configured name of the source instance
-- file VARCHAR: path of the export inside its source
-- row BIGINT: record number in the export
-- param: partner_id: partner
-- param: period: period as in dim_fiscal_period
WITH period AS (
    SELECT period_start, period_end FROM dim_fiscal_period WHERE period = CAST($2 AS VARCHAR)
),

credits AS (
    SELECT deal_id, partner_id, credit_base, count(*) OVER (PARTITION BY deal_id) AS partners
    FROM fct_deal_credit
    WHERE model = 'linear'
),

final AS (
    SELECT
        'credit' AS record_kind,
        deal.deal_id AS ref_id,
        deal.closed_on AS happened_on,
        credits.credit_base AS amount,
        'numerator' AS counts_as,
        CAST(coalesce(credits.credit_base, 0) AS DECIMAL(18, 4)) AS contribution,
        'of ' || coalesce(deal.amount_base, 0) || ', shared by ' || credits.partners AS detail,
        deal.source_name AS source,
        deal.source_file AS file,
        deal.source_row AS row
    FROM fct_deal AS deal
    INNER JOIN credits ON deal.deal_id = credits.deal_id
    INNER JOIN period ON deal.closed_on >= period.period_start AND deal.closed_on < period.period_end
    WHERE credits.partner_id = CAST($1 AS VARCHAR)
)

SELECT * FROM final ORDER BY happened_on, ref_id
