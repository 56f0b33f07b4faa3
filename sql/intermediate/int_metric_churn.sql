-- int_metric_churn: partners lost in a period, over those who did business at its start; exits and win-backs beside them (M37).
-- grain: metric x scope x period
-- key: metric, scope_kind, scope_id, period
-- metric VARCHAR: name of the metric
-- grain VARCHAR: what n counts
-- scope_kind VARCHAR: program, segment, tier, region or owner
-- scope_id VARCHAR: the scope
-- period VARCHAR: period
-- period_start DATE: first day
-- period_end DATE: day after the last day
-- is_partial BOOLEAN: not finished at the as-of date
-- unit VARCHAR: ratio, money, days, count or points
-- kind VARCHAR: share, ratio, sum, duration or score
-- value DOUBLE: the number; fct_metric fills it for shares
-- amount DECIMAL(18,4): the exact amount of money metrics
-- numerator DOUBLE: numerator, or the sum
-- denominator DOUBLE: denominator
-- low DOUBLE: lower end of the 95% interval
-- high DOUBLE: upper end of the 95% interval
-- n BIGINT: how many were counted
-- status VARCHAR: ok, or why the number is missing or weak; fct_metric fills it for shares
-- note: partner_churn_rate: partners whose spell was open at the period's start and ended in it by churn, over the spells
--   open at its start. Who exits in the period for a reason that is not churn is in neither
-- note: partner_exits and partner_win_backs stand beside the rate, so that nothing is hidden in it: the partners whose
--   relationship ended for a reason that is not churn, whether they did business then or ever, and the spells that began
--   after churn
WITH grid AS (
    SELECT *, least(period_end, s.as_of + 1) AS until_on
    FROM intermediate.int_scope_period
    CROSS JOIN (SELECT as_of FROM run_settings) AS s
    WHERE
        has_partners
        AND scope_kind IN ('program', 'segment', 'tier', 'region', 'owner')
        AND (
            period_kind = 'quarter'
            OR period IN ('trailing_90', 'trailing_365')
            OR (period_kind = 'to_date' AND period LIKE '%Q%')
        )
),

periods AS (
    SELECT DISTINCT period, period_start, until_on FROM grid
),

spells AS (
    SELECT
        periods.period,
        spell.partner_id,
        spell.started_on < periods.period_start
        AND coalesce(spell.ended_on >= periods.period_start, TRUE) AS is_open_at_start,
        coalesce(spell.ended_on >= periods.period_start AND spell.ended_on < periods.until_on, FALSE) AS is_ended_within,
        spell.end_kind,
        spell.is_win_back
        AND spell.started_on >= periods.period_start
        AND spell.started_on < periods.until_on AS is_win_back_within
    FROM intermediate.int_partner_spell AS spell
    CROSS JOIN periods
),

counts AS (
    SELECT
        scope.scope_kind,
        scope.scope_id,
        spells.period,
        count(*) FILTER (
            WHERE spells.is_open_at_start AND NOT (spells.is_ended_within AND spells.end_kind = 'exit')
        ) AS at_start,
        count(*) FILTER (WHERE spells.is_open_at_start AND spells.is_ended_within AND spells.end_kind <> 'exit') AS churned,
        count(*) FILTER (WHERE spells.is_win_back_within) AS won_back
    FROM spells
    INNER JOIN intermediate.int_partner_scope AS scope ON spells.partner_id = scope.partner_id
    GROUP BY scope.scope_kind, scope.scope_id, spells.period
),

exits AS (
    SELECT scope.scope_kind, scope.scope_id, periods.period, count(DISTINCT ended.partner_id) AS exited
    FROM intermediate.int_contract_end AS ended
    INNER JOIN periods ON ended.ended_on >= periods.period_start AND ended.ended_on < periods.until_on
    INNER JOIN intermediate.int_partner_scope AS scope ON ended.partner_id = scope.partner_id
    WHERE ended.end_kind = 'exit'
    GROUP BY scope.scope_kind, scope.scope_id, periods.period
),

gridded AS (
    SELECT
        grid.*,
        coalesce(counts.at_start, 0) AS at_start,
        coalesce(counts.churned, 0) AS churned,
        coalesce(exits.exited, 0) AS exited,
        coalesce(counts.won_back, 0) AS won_back
    FROM grid
    LEFT JOIN counts
        ON grid.scope_kind = counts.scope_kind AND grid.scope_id = counts.scope_id AND grid.period = counts.period
    LEFT JOIN exits
        ON grid.scope_kind = exits.scope_kind AND grid.scope_id = exits.scope_id AND grid.period = exits.period
),

final AS (
    SELECT
        'partner_churn_rate' AS metric,
        'partner' AS grain,
        scope_kind,
        scope_id,
        period,
        period_start,
        period_end,
        is_partial,
        'ratio' AS unit,
        'share' AS kind,
        CAST(NULL AS DOUBLE) AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(churned AS DOUBLE) AS numerator,
        CAST(at_start AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        at_start AS n,
        CAST(NULL AS VARCHAR) AS status
    FROM gridded
    UNION ALL
    SELECT
        'partner_exits' AS metric,
        'partner' AS grain,
        scope_kind,
        scope_id,
        period,
        period_start,
        period_end,
        is_partial,
        'count' AS unit,
        'sum' AS kind,
        CAST(exited AS DOUBLE) AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(exited AS DOUBLE) AS numerator,
        CAST(NULL AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        exited AS n,
        'ok' AS status
    FROM gridded
    UNION ALL
    SELECT
        'partner_win_backs' AS metric,
        'partner' AS grain,
        scope_kind,
        scope_id,
        period,
        period_start,
        period_end,
        is_partial,
        'count' AS unit,
        'sum' AS kind,
        CAST(won_back AS DOUBLE) AS value,
        CAST(NULL AS DECIMAL(18, 4)) AS amount,
        CAST(won_back AS DOUBLE) AS numerator,
        CAST(NULL AS DOUBLE) AS denominator,
        CAST(NULL AS DOUBLE) AS low,
        CAST(NULL AS DOUBLE) AS high,
        won_back AS n,
        'ok' AS status
    FROM gridded
)

SELECT * FROM final
