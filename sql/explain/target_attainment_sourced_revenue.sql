-- target_attainment_sourced_revenue: the deals and the target behind a partner's target attainment, sourced revenue.
-- record_kind VARCHAR: won_deal or target
-- ref_id VARCHAR: native key of the record
-- happened_on DATE: local day of closing or creation; first day of the target
-- amount DECIMAL(18,4): amount in the reporting currency; null where it cannot be converted
-- counts_as VARCHAR: numerator, denominator or both
-- contribution DECIMAL(18,4): what the record adds; the contributions sum to the numerator and denominator of fct_metric
-- detail VARCHAR: the partner's roles on the deal; how many targets make up the sum
-- source VARCHAR: configured name of the source instance
-- file VARCHAR: path of the export inside its source
-- row BIGINT: record number in the export
-- param: partner_id: partner
-- param: period: period as in dim_fiscal_period
WITH period AS (
    SELECT period_start, period_end FROM dim_fiscal_period WHERE period = CAST($2 AS VARCHAR)
),

roles AS (
    SELECT deal_id, string_agg(role, ', ' ORDER BY role) AS roles
    FROM fct_deal_partner
    WHERE partner_id = CAST($1 AS VARCHAR)
    GROUP BY deal_id
    HAVING bool_or(role = 'sourced')
),

deals AS (
    SELECT
        'won_deal' AS record_kind,
        deal.deal_id AS ref_id,
        deal.closed_on AS happened_on,
        deal.amount_base AS amount,
        'numerator' AS counts_as,
        coalesce(deal.amount_base, 0) AS contribution,
        roles.roles AS detail,
        deal.source_name AS source,
        deal.source_file AS file,
        deal.source_row AS row
    FROM fct_deal AS deal
    INNER JOIN roles ON deal.deal_id = roles.deal_id
    INNER JOIN period ON deal.closed_on >= period.period_start AND deal.closed_on < period.period_end
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded
),

-- A cut quarter such as 2026Q2-d31 is held against the target of the whole. One with the period's own days counts alone.
agreed AS (
    SELECT
        target.measure,
        target.period,
        target.target_base,
        target.is_prorated,
        whole.period_start,
        exported._source,
        exported._file,
        exported._row,
        exported.period_start = whole.period_start AND exported.period_end + 1 = whole.period_end AS is_own
    FROM fct_target AS target
    INNER JOIN dim_fiscal_period AS whole ON target.period = whole.period
    INNER JOIN canonical.target AS exported
        ON
            target.scope_id = exported.partner_id
            AND target.measure = exported.measure
            AND exported.period_start >= whole.period_start
            AND exported.period_end < whole.period_end
    WHERE
        target.scope_kind = 'partner'
        AND target.scope_id = CAST($1 AS VARCHAR)
        AND target.measure = 'sourced_revenue'
        AND target.period = split_part(CAST($2 AS VARCHAR), '-d', 1)
        AND NOT exported._deleted
    QUALIFY is_own OR NOT bool_or(is_own) OVER ()
),

targets AS (
    SELECT
        'target' AS record_kind,
        measure || ' ' || period AS ref_id,
        period_start AS happened_on,
        target_base AS amount,
        'denominator' AS counts_as,
        target_base AS contribution,
        CASE WHEN count(*) > 1 THEN 'sum of ' || count(*) || ' targets' ELSE 'agreed' END
        || CASE WHEN is_prorated THEN ', cut to the days since signature' ELSE '' END AS detail,
        min(_source) AS source,
        min(_file) AS file,
        min(_row) AS row
    FROM agreed
    GROUP BY measure, period, target_base, is_prorated, period_start
),

final AS (
    SELECT * FROM deals
    UNION ALL
    SELECT * FROM targets
)

SELECT * FROM final ORDER BY counts_as DESC, happened_on, ref_id
