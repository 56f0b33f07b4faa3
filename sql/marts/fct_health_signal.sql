-- fct_health_signal: what each signal contributes to a partner's health tonight, with its value in words (M38).
-- grain: enrolled partner x signal that weighs in its stage
-- key: partner_id, signal
-- partner_id VARCHAR: partner
-- signal VARCHAR: signal
-- signal_name VARCHAR: the signal in words
-- position INTEGER: order in which signals are told
-- stage VARCHAR: lifecycle stage
-- x DOUBLE: value; null where unknown
-- numerator DOUBLE: what the value counts
-- denominator DOUBLE: what it is compared with; null for a plain amount
-- low DOUBLE: value that earns no points
-- high DOUBLE: value that earns all points
-- bar_basis VARCHAR: config, segment, programme or default: where the bars come from
-- peers BIGINT: distinct partners behind the bars
-- points DOUBLE: 0 to 100
-- weight DOUBLE: weight in the stage
-- contribution DOUBLE: points of the health score that come from the signal; they add up to it
-- engagement_contribution DOUBLE: points of the engagement score that come from it
-- lost DOUBLE: points of the health score that a full signal would add
-- status VARCHAR: known, carried, stale, missing or not_applicable
-- note VARCHAR: the value and its comparison in words
-- note: where the health score itself is null, contributions tell what it would be made of
WITH points AS (
    SELECT point.*, kind.signal_name, kind.position
    FROM intermediate.int_health_point AS point
    INNER JOIN intermediate.int_snapshot AS snapshot ON point.snapshot_on = snapshot.snapshot_on
    INNER JOIN intermediate.int_health_signal_kind AS kind ON point.signal = kind.signal
    WHERE snapshot.is_as_of
),

rhythms AS (
    SELECT rhythm.partner_id, rhythm.median_gap_days, rhythm.events
    FROM intermediate.int_partner_rhythm AS rhythm
    INNER JOIN intermediate.int_snapshot AS snapshot ON rhythm.snapshot_on = snapshot.snapshot_on
    WHERE snapshot.is_as_of
),

worded AS (
    SELECT
        points.*,
        sum(CASE WHEN points.x IS NOT NULL THEN points.weight END) OVER (PARTITION BY points.partner_id) AS known_weight,
        CASE
            WHEN points.status = 'not_applicable' THEN 'not applicable'
            WHEN points.status = 'stale' THEN 'feed too old to say'
            WHEN points.status = 'missing' AND points.signal = 'psat' THEN 'no answer in 180 days'
            WHEN points.status = 'missing' AND points.signal = 'win_rate' THEN 'no deal closed in a year'
            WHEN points.status = 'missing' AND points.signal = 'revenue_trend' THEN 'nothing won to compare with'
            WHEN points.status = 'missing' THEN 'nothing to compare with yet'
            WHEN points.signal = 'onboarding_tasks_done'
                THEN format('{:.0f} of {:.0f} required onboarding tasks done', points.numerator, points.denominator)
            WHEN points.signal = 'certification_coverage'
                THEN format('{:.0f} of {:.0f} required certificates valid', points.numerator, points.denominator)
            WHEN points.signal = 'courses_per_person'
                THEN format('courses completed in 90 days: {:.0f}, by {:.0f} people', points.numerator, points.denominator)
            WHEN points.signal = 'people_active'
                THEN format('{:.0f} of {:.0f} people active in 30 days', points.numerator, points.denominator)
            WHEN points.signal = 'content_events'
                THEN format('content used in 90 days: {:.0f} times', points.numerator)
            WHEN points.signal = 'commercial_silence' AND rhythms.events >= 3
                THEN
                    format('no deal for {:.0f} day', points.numerator) || CASE WHEN points.numerator = 1 THEN '' ELSE 's' END || '; this partner usually brings one every '
                    || CASE
                        WHEN rhythms.median_gap_days >= 1.5 THEN format('{:.0f}', rhythms.median_gap_days)
                        ELSE 'day'
                    END
            WHEN points.signal = 'commercial_silence'
                THEN format('no deal for {:.0f} day', points.numerator) || CASE WHEN points.numerator = 1 THEN '' ELSE 's' END || '; too few so far to know its rhythm'
            WHEN points.signal = 'registrations_trend'
                THEN format('registrations in 90 days: {:.0f}; its mean quarter has {:.1f}', points.numerator, points.denominator)
            WHEN points.signal = 'pipeline_trend'
                THEN
                    format(
                        'pipeline of {:,} {} created in 90 days; its mean quarter has {:,}',
                        CAST(round(points.numerator) AS BIGINT),
                        s.currency_base,
                        CAST(round(points.denominator) AS BIGINT)
                    )
            WHEN points.signal = 'revenue_trend'
                THEN
                    format(
                        'won {:,} {} in 90 days; {:,} in the same days a year ago',
                        CAST(round(points.numerator) AS BIGINT),
                        s.currency_base,
                        CAST(round(points.denominator) AS BIGINT)
                    )
            WHEN points.signal = 'win_rate'
                THEN format('{:.0f} of {:.0f} deals won in a year', points.numerator, points.denominator)
            WHEN points.signal = 'nrr'
                THEN format('customers of a year ago now pay {:.0f} % of what they paid', 100 * points.x)
            WHEN points.signal = 'meetings_held'
                THEN format('meetings held in {:.0f} of {:.0f} due slots', points.numerator, points.denominator)
            -- Few answers would tell who gave them.
            WHEN points.signal = 'psat' AND points.denominator < 5
                THEN format('fewer than 5 answers; with the segment behind them {:.0f} % are satisfied', 100 * points.x)
            WHEN points.signal = 'psat'
                THEN format('{:.0f} of {:.0f} answers satisfied in the latest wave', points.numerator, points.denominator)
        END AS sentence
    FROM points
    CROSS JOIN run_settings AS s
    LEFT JOIN rhythms ON points.partner_id = rhythms.partner_id
),

final AS (
    SELECT
        partner_id,
        signal,
        signal_name,
        position,
        stage,
        x,
        CASE WHEN signal <> 'psat' OR denominator >= 5 THEN numerator END AS numerator,
        denominator,
        low,
        high,
        bar_basis,
        peers,
        CAST(points AS DOUBLE) AS points,
        CAST(weight AS DOUBLE) AS weight,
        CAST(contribution AS DOUBLE) AS contribution,
        CAST(engagement_contribution AS DOUBLE) AS engagement_contribution,
        round(CAST((100 - points) * weight AS DOUBLE) / CAST(known_weight AS DOUBLE), 4) AS lost,
        status,
        sentence || CASE WHEN status = 'carried' THEN ' (feed is stale, last good value)' ELSE '' END AS note
    FROM worded
)

SELECT * FROM final
