-- target_placed: every target has a measure and a scope that are known, a currency that converts, and a period within
--   a fiscal quarter; those listed are in no attainment.
-- severity: warning
-- table: canonical.target
-- next: correct the target as its reason says
WITH periods AS (
    SELECT min(period_start) AS first_on, max(period_end) AS end_on FROM dim_fiscal_period WHERE period_kind = 'quarter'
),

judged AS (
    SELECT
        target.scope_kind,
        target.scope_key,
        target.measure,
        target.period_start,
        target._file,
        target._row,
        CASE
            WHEN target.measure NOT IN ('bookings', 'sourced_revenue', 'influenced_revenue', 'sourced_pipeline') THEN 'unknown measure'
            WHEN target.scope_kind = 'partner' AND partner.partner_id IS NULL THEN 'unknown partner'
            WHEN fx.currency IS NULL OR fx.valid_to <= target.period_start THEN 'no exchange rate'
            WHEN placed.period IS NULL THEN 'crosses fiscal quarters'
        END AS problem
    FROM canonical.target AS target
    CROSS JOIN periods
    LEFT JOIN dim_partner AS partner ON target.partner_id = partner.partner_id
    ASOF LEFT JOIN intermediate.int_fx AS fx ON target.currency = fx.currency AND target.period_start >= fx.valid_from
    LEFT JOIN dim_fiscal_period AS placed
        ON
            placed.period_kind = 'quarter'
            AND target.period_start >= placed.period_start
            AND target.period_end < placed.period_end
    WHERE NOT target._deleted AND target.period_start >= periods.first_on AND target.period_start < periods.end_on
)

SELECT * FROM judged WHERE problem IS NOT NULL
