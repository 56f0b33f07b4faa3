-- touched_pipeline_open: the deals open at the end of a period that the partner sourced or influenced, behind its open
--   touched pipeline.
-- record_kind VARCHAR: open_deal
-- ref_id VARCHAR: native key of the record
-- happened_on DATE: local day of creation
-- amount DECIMAL(18,4): amount in the reporting currency; null where it cannot be converted
-- counts_as VARCHAR: numerator, denominator or both
-- contribution DECIMAL(18,4): what the record adds; the contributions sum to the numerator and denominator of fct_metric
-- detail VARCHAR: the partner's roles on the deal, and how its source is known
-- source VARCHAR: configured name of the source instance
-- file VARCHAR: path of the export inside its source
-- row BIGINT: record number in the export
-- param: partner_id: partner
-- param: period: period as in dim_fiscal_period
WITH period AS (
    SELECT least(period.period_end, s.as_of + 1) AS open_until
    FROM dim_fiscal_period AS period
    CROSS JOIN run_settings AS s
    WHERE period.period_kind <> 'trailing' AND period.period = CAST($2 AS VARCHAR)
),

roles AS (
    SELECT deal_id, string_agg(role, ', ' ORDER BY role) AS roles
    FROM fct_deal_partner
    WHERE partner_id = CAST($1 AS VARCHAR)
    GROUP BY deal_id
    HAVING bool_or(role IN ('sourced', 'influenced'))
),

final AS (
    SELECT
        'open_deal' AS record_kind,
        deal.deal_id AS ref_id,
        deal.created_on AS happened_on,
        deal.amount_base AS amount,
        'numerator' AS counts_as,
        CAST(coalesce(deal.amount_base, 0) AS DECIMAL(18, 4)) AS contribution,
        roles.roles || coalesce('; source known by ' || CASE WHEN roles.roles LIKE '%sourced%' THEN deal.source_rule END, '') AS detail,
        deal.source_name AS source,
        deal.source_file AS file,
        deal.source_row AS row
    FROM fct_deal AS deal
    INNER JOIN roles ON deal.deal_id = roles.deal_id
    INNER JOIN period
        ON
            deal.created_on < period.open_until
            AND coalesce(deal.closed_on, DATE '9999-12-31') >= period.open_until
    WHERE NOT deal.is_excluded
)

SELECT * FROM final ORDER BY happened_on, ref_id
