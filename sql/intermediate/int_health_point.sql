-- int_health_point: what each signal contributes to a partner's health and engagement at each night and trend month (M38).
-- grain: enrolled partner x snapshot x signal that weighs in its stage
-- key: partner_id, snapshot_on, signal
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- signal VARCHAR: signal
-- stage VARCHAR: lifecycle stage
-- x DOUBLE: value; null where unknown
-- numerator DOUBLE: what the value counts
-- denominator DOUBLE: what it is compared with
-- low DOUBLE: value that earns no points
-- high DOUBLE: value that earns all points
-- bar_basis VARCHAR: config, segment, programme or default: where the bars come from
-- peers BIGINT: distinct partners behind the bars
-- points DECIMAL(9,4): 100 x clamp((x - low) / (high - low), 0, 1)
-- weight DECIMAL(9,4): weight in the stage
-- contribution DECIMAL(9,4): weight x points over the weight that is known; contributions add up to the score
-- engagement_contribution DECIMAL(9,4): the same among activity signals alone; null for the others
-- status VARCHAR: known, carried, stale, missing or not_applicable
WITH scored AS (
    SELECT
        value.*,
        kind.is_activity,
        bar.low,
        bar.high,
        bar.basis AS bar_basis,
        bar.peers,
        CASE WHEN value.x IS NOT NULL
            THEN CAST(round(100 * greatest(0, least(1, (value.x - bar.low) / (bar.high - bar.low))), 4) AS DECIMAL(9, 4))
        END AS points
    FROM intermediate.int_health_signal AS value
    INNER JOIN intermediate.int_health_signal_kind AS kind ON value.signal = kind.signal
    INNER JOIN intermediate.int_snapshot AS snapshot ON value.snapshot_on = snapshot.snapshot_on
    INNER JOIN intermediate.int_health_bar AS bar
        ON
            snapshot.bar_on = bar.bar_on
            AND coalesce(value.segment, '') = bar.segment
            AND value.stage = bar.stage
            AND value.signal = bar.signal
    WHERE snapshot.is_night OR snapshot.is_trend
),

known_weights AS (
    SELECT
        *,
        sum(CASE WHEN x IS NOT NULL THEN weight END) OVER (PARTITION BY partner_id, snapshot_on) AS known_weight,
        sum(CASE WHEN x IS NOT NULL AND is_activity THEN weight END) OVER (PARTITION BY partner_id, snapshot_on)
            AS known_activity_weight
    FROM scored
),

final AS (
    SELECT
        partner_id,
        snapshot_on,
        signal,
        stage,
        x,
        numerator,
        denominator,
        low,
        high,
        bar_basis,
        peers,
        points,
        weight,
        CAST(round(CAST(weight * points AS DOUBLE) / CAST(known_weight AS DOUBLE), 4) AS DECIMAL(9, 4)) AS contribution,
        CASE WHEN is_activity
            THEN CAST(round(CAST(weight * points AS DOUBLE) / CAST(known_activity_weight AS DOUBLE), 4) AS DECIMAL(9, 4))
        END AS engagement_contribution,
        status
    FROM known_weights
)

SELECT * FROM final
