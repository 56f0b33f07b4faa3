-- ropi_benefit: the credits behind what a partner brought in the four fiscal quarters that end with a period.
-- record_kind VARCHAR: credit
-- ref_id VARCHAR: native key of the record
-- happened_on DATE: local day of closing
-- amount DECIMAL(18,4): amount in the reporting currency; null where it cannot be converted
-- counts_as VARCHAR: numerator, denominator or both
-- contribution DECIMAL(18,4): what the record adds; the contributions sum to the numerator and denominator of fct_metric
-- detail VARCHAR: what is credited and by which model
-- source VARCHAR: configured name of the source instance
-- file VARCHAR: path of the export inside its source
-- row BIGINT: record number in the export
-- param: partner_id: partner
-- param: period: period as in dim_fiscal_period
WITH told AS (
    SELECT period_start, period_end, status
    FROM fct_metric
    WHERE metric = 'ropi_benefit' AND partner_id = CAST($1 AS VARCHAR) AND period = CAST($2 AS VARCHAR)
),

benefits AS (
    SELECT
        'credit' AS record_kind,
        deal.deal_id AS ref_id,
        deal.closed_on AS happened_on,
        CASE
            WHEN told.status = 'revenue_basis' OR s.ropi_benefit = 'revenue' THEN credit.credit_base
            ELSE credit.credit_margin_base
        END AS amount,
        'numerator' AS counts_as,
        'credit of ' || CASE
            WHEN told.status = 'revenue_basis' OR s.ropi_benefit = 'revenue' THEN 'revenue '
            ELSE 'gross margin '
        END || credit.model AS detail,
        deal.source_name AS source,
        deal.source_file AS file,
        deal.source_row AS row
    FROM fct_deal_credit AS credit
    INNER JOIN fct_deal AS deal ON credit.deal_id = deal.deal_id
    INNER JOIN told ON deal.closed_on >= told.period_start AND deal.closed_on < told.period_end
    CROSS JOIN run_settings AS s
    WHERE credit.partner_id = CAST($1 AS VARCHAR) AND credit.model = s.attribution_headline
),

final AS (
    SELECT
        record_kind,
        ref_id,
        happened_on,
        amount,
        'numerator' AS counts_as,
        CAST(coalesce(amount, 0) AS DECIMAL(18, 4)) AS contribution,
        detail,
        source,
        file,
        row
    FROM benefits
)

SELECT * FROM final ORDER BY happened_on, ref_id
