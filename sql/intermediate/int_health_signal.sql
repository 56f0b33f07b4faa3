-- int_health_signal: the value of each health signal for each partner at each health snapshot, as known then (M38).
-- grain: enrolled partner x snapshot x signal that weighs in its stage
-- key: partner_id, snapshot_on, signal
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot
-- signal VARCHAR: signal
-- stage VARCHAR: lifecycle stage at the snapshot
-- segment VARCHAR: segment
-- is_peer BOOLEAN: the partner had not churned, so that others may be compared with it
-- weight DECIMAL(9,4): weight of the signal in the stage
-- x DOUBLE: value; null where missing or not applicable
-- numerator DOUBLE: what the value counts
-- denominator DOUBLE: what it is compared with; null for a plain amount
-- status VARCHAR: known; carried (feed stale, last good value); stale (too old to carry); missing (nothing to compare with
--   yet); not_applicable (no such feed, or nothing of the kind is asked of the partner)
-- note: trends are against the partner's own past: 90 days against its mean quarter of the trailing year, revenue against
--   the same 90 days a year ago, silence against its own usual gap (1 inside it, capped at 4);
--   a small loyal partner is not ill by being small
-- note: trends are shrunken to the partner's own mean by two deals (n + 2) / (mean + 2), money by two deals of its mean size:
--   who buys every 92 days has none, one or two orders in a window of 90, and that is no trend
-- note: win rate and satisfaction are shrunken to the segment: (k + m p) / (n + m), m = shrink.m (G8)
-- note: meetings are due weekly in onboarding and monthly from there on; slots before the signature are not counted
WITH settings AS (
    SELECT as_of, shrink_m, freshness_max_age_days, freshness_carry_days FROM run_settings
),

feeds AS (
    SELECT * FROM intermediate.int_feed
),

kinds AS (
    SELECT
        kind.signal,
        kind.goes_stale,
        feeds.table_name IS NOT NULL AS is_fed,
        feeds.newest_on
    FROM intermediate.int_health_signal_kind AS kind
    LEFT JOIN feeds ON kind.feed = feeds.table_name
),

views AS (
    SELECT
        stage_at.partner_id,
        stage_at.snapshot_on,
        stage_at.stage,
        stage_at.segment,
        stage_at.tenure_days,
        partner.tier_code AS current_tier_code,
        rhythm.days_since,
        rhythm.usual_gap_days,
        coalesce(rhythm.is_ended, FALSE) AS is_ended,
        rhythm.first_event_on,
        -- The part of the trailing year in which the partner can have done something, at least a quarter.
        greatest(least(stage_at.snapshot_on - rhythm.first_event_on, 365), 90) AS own_year_days
    FROM intermediate.int_partner_stage_at AS stage_at
    INNER JOIN intermediate.int_snapshot AS snapshot ON stage_at.snapshot_on = snapshot.snapshot_on
    INNER JOIN intermediate.int_partner AS partner ON stage_at.partner_id = partner.partner_id
    LEFT JOIN intermediate.int_partner_rhythm AS rhythm
        ON stage_at.partner_id = rhythm.partner_id AND stage_at.snapshot_on = rhythm.snapshot_on
    WHERE snapshot.is_health AND stage_at.is_enrolled AND stage_at.stage IN ('onboard', 'enable', 'sell', 'grow')
),

measures AS (
    SELECT
        views.*,
        enablement.tasks_required,
        enablement.tasks_done,
        enablement.people_enabled,
        enablement.courses_90,
        enablement.certificates_valid,
        coalesce(requirement.required_certifications, 1) AS certificates_required,
        engagement.people_active_30,
        engagement.content_events_90,
        engagement.content_score,
        engagement.psat_answers,
        engagement.psat_top2,
        CASE WHEN views.stage = 'onboard' THEN least(12, coalesce(views.tenure_days // 7, 12))
            ELSE least(3, coalesce(views.tenure_days // 30, 3)) END AS meeting_slots,
        CASE
            WHEN views.stage = 'onboard' THEN engagement.meeting_weeks
            ELSE engagement.meeting_months
        END AS meeting_slots_held,
        coalesce(commercial.registrations_90, 0) AS registrations_90,
        coalesce(commercial.registrations_365, 0) AS registrations_365,
        coalesce(commercial.registrations_730, 0) AS registrations_730,
        coalesce(commercial.pipeline_90, 0) AS pipeline_90,
        coalesce(commercial.pipeline_365, 0) AS pipeline_365,
        coalesce(commercial.pipeline_730, 0) AS pipeline_730,
        -- Two deals of its own mean size: the weight of the partner's own past in its trends.
        CAST(2 * commercial.pipeline_365 AS DOUBLE) / nullif(commercial.deals_created_365, 0) AS two_created,
        CAST(2 * (commercial.won_365 + commercial.won_365_year_ago) AS DOUBLE)
        / nullif(commercial.won_deals_730, 0) AS two_won,
        coalesce(commercial.won_90, 0) AS won_90,
        coalesce(commercial.won_90_year_ago, 0) AS won_90_year_ago,
        coalesce(commercial.credited_won_365, 0) AS credited_won_365,
        coalesce(commercial.credited_closed_365, 0) AS credited_closed_365,
        retention.mrr_start,
        retention.mrr_end,
        settings.shrink_m
    FROM views
    CROSS JOIN settings
    INNER JOIN intermediate.int_enablement_window AS enablement
        ON views.partner_id = enablement.partner_id AND views.snapshot_on = enablement.snapshot_on
    INNER JOIN intermediate.int_engagement_window AS engagement
        ON views.partner_id = engagement.partner_id AND views.snapshot_on = engagement.snapshot_on
    LEFT JOIN intermediate.int_commercial_window AS commercial
        ON views.partner_id = commercial.partner_id AND views.snapshot_on = commercial.snapshot_on
    LEFT JOIN intermediate.int_retention_window AS retention
        ON views.partner_id = retention.partner_id AND views.snapshot_on = retention.snapshot_on
    LEFT JOIN tier_requirement AS requirement
        ON coalesce(enablement.tier_code, views.current_tier_code) = requirement.tier_code
),

segment_rates AS (
    SELECT
        *,
        CAST(sum(credited_won_365) OVER peers AS DOUBLE) / nullif(sum(credited_closed_365) OVER peers, 0) AS segment_win_rate,
        CAST(sum(psat_top2) OVER peers AS DOUBLE) / nullif(sum(psat_answers) OVER peers, 0) AS segment_psat
    FROM measures
    WINDOW peers AS (PARTITION BY snapshot_on, segment)
),

values_by_signal AS (
    SELECT
        partner_id,
        snapshot_on,
        stage,
        segment,
        NOT is_ended AS is_peer,
        unnest([
            {
                'signal': 'onboarding_tasks_done',
                'numerator': CAST(tasks_done AS DOUBLE),
                'denominator': CAST(tasks_required AS DOUBLE),
                'x': CAST(tasks_done AS DOUBLE) / nullif(tasks_required, 0),
                'is_asked': tasks_required > 0
            },
            {
                'signal': 'certification_coverage',
                'numerator': CAST(certificates_valid AS DOUBLE),
                'denominator': CAST(certificates_required AS DOUBLE),
                'x': least(1, CAST(certificates_valid AS DOUBLE) / nullif(certificates_required, 0)),
                'is_asked': certificates_required > 0
            },
            {
                'signal': 'courses_per_person',
                'numerator': CAST(courses_90 AS DOUBLE),
                'denominator': CAST(people_enabled AS DOUBLE),
                'x': CAST(courses_90 AS DOUBLE) / nullif(people_enabled, 0),
                'is_asked': people_enabled > 0
            },
            {
                'signal': 'people_active',
                'numerator': CAST(people_active_30 AS DOUBLE),
                'denominator': CAST(people_enabled AS DOUBLE),
                'x': least(1, CAST(people_active_30 AS DOUBLE) / nullif(people_enabled, 0)),
                'is_asked': people_enabled > 0
            },
            {
                'signal': 'content_events',
                'numerator': CAST(content_events_90 AS DOUBLE),
                'denominator': CAST(NULL AS DOUBLE),
                'x': CAST(content_score AS DOUBLE),
                'is_asked': people_enabled > 0 OR content_events_90 > 0
            },
            {
                'signal': 'commercial_silence',
                'numerator': CAST(days_since AS DOUBLE),
                'denominator': usual_gap_days,
                'x': greatest(1, least(4, days_since / usual_gap_days)),
                'is_asked': days_since IS NOT NULL
            },
            {
                'signal': 'registrations_trend',
                'numerator': CAST(registrations_90 AS DOUBLE),
                'denominator': registrations_365 * 90.0 / own_year_days,
                'x': CASE
                    WHEN registrations_365 > 0
                        THEN least(4, (registrations_90 + 2) / (registrations_365 * 90.0 / own_year_days + 2))
                    ELSE 0
                END,
                'is_asked': registrations_730 > 0
            },
            {
                'signal': 'pipeline_trend',
                'numerator': CAST(pipeline_90 AS DOUBLE),
                'denominator': CAST(pipeline_365 AS DOUBLE) * 90.0 / own_year_days,
                'x': CASE
                    WHEN pipeline_365 > 0
                        THEN least(4, (CAST(pipeline_90 AS DOUBLE) + two_created)
                            / (CAST(pipeline_365 AS DOUBLE) * 90.0 / own_year_days + two_created))
                    ELSE 0
                END,
                'is_asked': pipeline_730 > 0
            },
            {
                'signal': 'revenue_trend',
                'numerator': CAST(won_90 AS DOUBLE),
                'denominator': CAST(won_90_year_ago AS DOUBLE),
                'x': CASE
                    WHEN (won_90 > 0 OR won_90_year_ago > 0) AND first_event_on < snapshot_on - 365
                        THEN least(2, (CAST(won_90 AS DOUBLE) + two_won) / (CAST(won_90_year_ago AS DOUBLE) + two_won))
                END,
                'is_asked': TRUE
            },
            {
                'signal': 'win_rate',
                'numerator': CAST(credited_won_365 AS DOUBLE),
                'denominator': CAST(credited_closed_365 AS DOUBLE),
                'x': CASE
                    WHEN credited_closed_365 > 0
                        THEN (credited_won_365 + shrink_m * segment_win_rate) / (credited_closed_365 + shrink_m)
                END,
                'is_asked': TRUE
            },
            {
                'signal': 'nrr',
                'numerator': CAST(mrr_end AS DOUBLE),
                'denominator': CAST(mrr_start AS DOUBLE),
                'x': least(2, CAST(mrr_end AS DOUBLE) / CAST(mrr_start AS DOUBLE)),
                'is_asked': mrr_start IS NOT NULL
            },
            {
                'signal': 'meetings_held',
                'numerator': CAST(least(meeting_slots_held, meeting_slots) AS DOUBLE),
                'denominator': CAST(meeting_slots AS DOUBLE),
                'x': CAST(least(meeting_slots_held, meeting_slots) AS DOUBLE) / nullif(meeting_slots, 0),
                'is_asked': meeting_slots > 0
            },
            {
                'signal': 'psat',
                'numerator': CAST(psat_top2 AS DOUBLE),
                'denominator': CAST(psat_answers AS DOUBLE),
                'x': CASE WHEN psat_answers > 0 THEN (psat_top2 + shrink_m * segment_psat) / (psat_answers + shrink_m) END,
                'is_asked': TRUE
            }
        ], recursive := TRUE)
    FROM segment_rates
),

weighed AS (
    SELECT
        v.*,
        weight.weight,
        kinds.is_fed,
        -- A feed that went silent tells nothing of the days after its newest export.
        CASE WHEN kinds.goes_stale AND v.snapshot_on - 1 - kinds.newest_on > settings.freshness_max_age_days
            THEN kinds.newest_on + 1 END AS carried_from_on,
        v.snapshot_on - 1 - kinds.newest_on <= settings.freshness_max_age_days + settings.freshness_carry_days AS may_carry
    FROM values_by_signal AS v
    CROSS JOIN settings
    INNER JOIN intermediate.int_health_weight AS weight ON v.stage = weight.stage AND v.signal = weight.signal
    INNER JOIN kinds ON v.signal = kinds.signal
),

carried AS (
    SELECT
        weighed.partner_id,
        weighed.snapshot_on,
        weighed.signal,
        weighed.stage,
        weighed.segment,
        weighed.is_peer,
        weighed.weight,
        weighed.is_fed AND weighed.is_asked AS is_applicable,
        weighed.carried_from_on,
        CASE WHEN weighed.carried_from_on IS NULL THEN weighed.x WHEN weighed.may_carry THEN good.x END AS x,
        CASE WHEN weighed.carried_from_on IS NULL THEN weighed.numerator ELSE good.numerator END AS numerator,
        CASE WHEN weighed.carried_from_on IS NULL THEN weighed.denominator ELSE good.denominator END AS denominator
    FROM weighed
    LEFT JOIN weighed AS good
        ON
            weighed.partner_id = good.partner_id
            AND weighed.signal = good.signal
            AND weighed.carried_from_on = good.snapshot_on
),

final AS (
    SELECT
        partner_id,
        snapshot_on,
        signal,
        stage,
        segment,
        is_peer,
        weight,
        CASE WHEN is_applicable THEN round(x, 6) END AS x,
        CASE WHEN is_applicable THEN round(numerator, 4) END AS numerator,
        CASE WHEN is_applicable THEN round(denominator, 4) END AS denominator,
        CASE
            WHEN NOT is_applicable THEN 'not_applicable'
            WHEN carried_from_on IS NOT NULL AND x IS NULL THEN 'stale'
            WHEN x IS NULL THEN 'missing'
            WHEN carried_from_on IS NOT NULL THEN 'carried'
            ELSE 'known'
        END AS status
    FROM carried
)

SELECT * FROM final
