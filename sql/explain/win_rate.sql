-- win_rate: the deals behind a partner's win rate in a period.
-- record_kind VARCHAR: won_deal or lost_deal
-- ref_id VARCHAR: native key of the record
-- happened_on DATE: local day of closing
-- amount DECIMAL(18,4): amount in the reporting currency; null where it cannot be converted
-- counts_as VARCHAR: numerator, denominator or both
-- contribution DECIMAL(18,4): what the record adds; the contributions sum to the numerator and denominator of fct_metric
-- detail VARCHAR: the partner's roles on the deal and the reason of a loss
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
),

final AS (
    SELECT
        deal.outcome || '_deal' AS record_kind,
        deal.deal_id AS ref_id,
        deal.closed_on AS happened_on,
        deal.amount_base AS amount,
        CASE WHEN deal.outcome = 'won' THEN 'both' ELSE 'denominator' END AS counts_as,
        CAST(1 AS DECIMAL(18, 4)) AS contribution,
        roles.roles || coalesce('; lost: ' || deal.lost_reason, '') AS detail,
        deal.source_name AS source,
        deal.source_file AS file,
        deal.source_row AS row
    FROM fct_deal AS deal
    INNER JOIN roles ON deal.deal_id = roles.deal_id
    INNER JOIN period ON deal.closed_on >= period.period_start AND deal.closed_on < period.period_end
    CROSS JOIN run_settings AS s
    WHERE
        deal.outcome IN ('won', 'lost')
        AND NOT deal.is_excluded
        AND deal.is_qualified
        AND NOT (deal.is_no_decision AND s.winrate_no_decision = 'exclude')
)

SELECT * FROM final ORDER BY happened_on, ref_id
