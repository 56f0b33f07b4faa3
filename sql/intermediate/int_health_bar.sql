-- int_health_bar: the values that earn no points and all points, frozen for a fiscal quarter (M38).
-- grain: quarter x segment x stage x signal
-- key: bar_on, segment, stage, signal
-- bar_on DATE: first day of the fiscal quarter in which the bars hold
-- segment VARCHAR: segment; empty for partners without one
-- stage VARCHAR: lifecycle stage
-- signal VARCHAR: signal
-- low DOUBLE: value that earns no points; the greater one where less is better
-- high DOUBLE: value that earns all points
-- peers BIGINT: distinct partners behind the bars; 0 for configured and default bars
-- basis VARCHAR: config, segment, programme or default
-- note: p20 and p80 of the peers of segment and stage at the month starts of the 180 days before the quarter; peers that
--   churned do not set the bars for those who stayed
-- note: bars that lie closer together than a quarter of the default ones would turn noise into points: as with fewer than
--   min_n peers, the next wider basis decides, at last the signal's default. Against the own past 1 is as always, whatever
--   peers do: for these signals peers widen the default bars and never narrow them
WITH quarters AS (
    SELECT DISTINCT bar_on FROM intermediate.int_snapshot WHERE is_night OR is_trend
),

peer_values AS (
    SELECT
        quarters.bar_on,
        coalesce(value.segment, '') AS segment,
        value.stage,
        value.signal,
        value.partner_id,
        value.x
    FROM quarters
    INNER JOIN intermediate.int_snapshot AS snapshot
        ON
            snapshot.is_month_start
            AND snapshot.is_health
            AND snapshot.snapshot_on <= quarters.bar_on
            AND snapshot.snapshot_on > quarters.bar_on - 180
    INNER JOIN intermediate.int_health_signal AS value ON snapshot.snapshot_on = value.snapshot_on
    WHERE value.is_peer AND value.status = 'known'
),

spreads AS (
    SELECT
        'segment' AS basis,
        bar_on,
        segment,
        stage,
        signal,
        count(DISTINCT partner_id) AS peers,
        quantile_cont(x, 0.2) AS p20,
        quantile_cont(x, 0.8) AS p80
    FROM peer_values
    GROUP BY bar_on, segment, stage, signal
    UNION ALL
    SELECT
        'programme' AS basis,
        bar_on,
        '' AS segment,
        stage,
        signal,
        count(DISTINCT partner_id) AS peers,
        quantile_cont(x, 0.2) AS p20,
        quantile_cont(x, 0.8) AS p80
    FROM peer_values
    GROUP BY bar_on, stage, signal
),

learned AS (
    SELECT spreads.*
    FROM spreads
    INNER JOIN intermediate.int_health_signal_kind AS kind ON spreads.signal = kind.signal
    CROSS JOIN run_settings AS s
    WHERE
        spreads.peers >= s.min_n
        AND spreads.p80 - spreads.p20
        >= CASE WHEN kind.is_own_past THEN 1 ELSE 0.25 END * abs(kind.default_high - kind.default_low)
),

segments AS (
    SELECT DISTINCT coalesce(segment, '') AS segment FROM intermediate.int_partner
),

chosen AS (
    SELECT
        quarters.bar_on,
        segments.segment,
        weight.stage,
        weight.signal,
        kind.is_lower_better,
        kind.default_low,
        kind.default_high,
        configured.signal IS NOT NULL AS is_configured,
        own.peers IS NOT NULL AS is_own,
        programme.peers IS NOT NULL AS is_programme,
        CASE
            WHEN configured.signal IS NOT NULL THEN configured.low
            WHEN own.peers IS NOT NULL THEN own.p20
            WHEN programme.peers IS NOT NULL THEN programme.p20
        END AS lower_value,
        CASE
            WHEN configured.signal IS NOT NULL THEN configured.high
            WHEN own.peers IS NOT NULL THEN own.p80
            WHEN programme.peers IS NOT NULL THEN programme.p80
        END AS upper_value,
        coalesce(own.peers, programme.peers, 0) AS peers
    FROM quarters
    CROSS JOIN segments
    CROSS JOIN intermediate.int_health_weight AS weight
    INNER JOIN intermediate.int_health_signal_kind AS kind ON weight.signal = kind.signal
    LEFT JOIN health_bar AS configured ON weight.signal = configured.signal
    LEFT JOIN learned AS own
        ON
            own.basis = 'segment'
            AND quarters.bar_on = own.bar_on
            AND segments.segment = own.segment
            AND weight.stage = own.stage
            AND weight.signal = own.signal
    LEFT JOIN learned AS programme
        ON
            programme.basis = 'programme'
            AND quarters.bar_on = programme.bar_on
            AND weight.stage = programme.stage
            AND weight.signal = programme.signal
),

final AS (
    SELECT
        bar_on,
        segment,
        stage,
        signal,
        CASE
            WHEN lower_value IS NULL THEN default_low
            WHEN is_lower_better THEN upper_value
            ELSE lower_value
        END AS low,
        CASE
            WHEN lower_value IS NULL THEN default_high
            WHEN is_lower_better THEN lower_value
            ELSE upper_value
        END AS high,
        CAST(CASE WHEN is_configured THEN 0 ELSE peers END AS BIGINT) AS peers,
        CASE
            WHEN is_configured THEN 'config'
            WHEN is_own THEN 'segment'
            WHEN is_programme THEN 'programme'
            ELSE 'default'
        END AS basis
    FROM chosen
)

SELECT * FROM final
