-- int_alert_night: whether each cause for an alert held for each partner, tonight and in the 28 nights before (M39).
-- grain: enrolled partner x night x cause that can be told of the partner's stage
-- key: partner_id, snapshot_on, cause
-- partner_id VARCHAR: partner
-- snapshot_on DATE: snapshot of the night
-- stage VARCHAR: lifecycle stage
-- cause VARCHAR: cause
-- value DOUBLE: what was measured; null where it could not be
-- reference DOUBLE: what it is compared with
-- is_on BOOLEAN: the condition held
-- is_clear BOOLEAN: it is over: the alarm may be raised again
-- note: no alarm for those who are long gone: from 28 days after churn on, or a year after signing without a first deal, a
--   partner is no longer falling. Lists of win-backs and activation are made of fct_partner_stage
-- note: health_low: under alert.floor, or alert.drop points under the median of the nights before, 14 at least; over from 5
--   points above. engagement_drop: the same fall of the engagement score, and half of its people gone: with five people one
--   on leave is no news
-- note: commercial_silence: two thirds of the silence after which the partner counts as gone (Q of M37), and past its own
--   usual gap: a partner who buys every 92 days is not alarmed on day 91. Nor is one who was silent as long twice before and
--   came back: a seasonal buyer only looks quiet
-- note: revenue_down: under half of the same 90 days a year ago, when at least two deals were won, and the year under 80 %
--   of the one before: one quarter alone is noise, and a seasonal buyer is compared with the same season
-- note: certificates_expiring: those that outlast the next 90 days are fewer than the tier asks for. satisfaction_low: 10
--   points under the segment after shrinking. our_slow_answers: registrations of 90 days wait longer than
--   sla.response_hours
WITH settings AS (
    SELECT timezone, as_of_end, alert_floor, alert_drop, shrink_m, sla_response_hours FROM run_settings
),

nights AS (
    SELECT
        stage_at.partner_id,
        stage_at.snapshot_on,
        stage_at.stage,
        stage_at.segment,
        health.health_score,
        health.engagement_score,
        -- Half of the people whom the partner's own mean month of the year before had active.
        engagement.people_active_30 * engagement.people_months * 2 <= engagement.people_active_year_before AS is_half_gone,
        CASE
            WHEN stage_at.stage IN ('onboard', 'enable') THEN coalesce(stage_at.tenure_days, 9999) <= 365
            ELSE NOT coalesce(rhythm.is_ended, FALSE) OR rhythm.days_since <= rhythm.silence_days + 28
        END AS is_alive
    FROM intermediate.int_partner_stage_at AS stage_at
    INNER JOIN intermediate.int_snapshot AS snapshot ON stage_at.snapshot_on = snapshot.snapshot_on
    LEFT JOIN fct_partner_health_night AS health
        ON stage_at.partner_id = health.partner_id AND stage_at.snapshot_on = health.snapshot_on
    LEFT JOIN intermediate.int_engagement_window AS engagement
        ON stage_at.partner_id = engagement.partner_id AND stage_at.snapshot_on = engagement.snapshot_on
    LEFT JOIN intermediate.int_partner_rhythm AS rhythm
        ON stage_at.partner_id = rhythm.partner_id AND stage_at.snapshot_on = rhythm.snapshot_on
    WHERE snapshot.is_night AND (stage_at.is_enrolled OR stage_at.stage = 'recruit')
),

medians AS (
    SELECT
        *,
        CASE WHEN count(health_score) OVER nights_before >= 14
            THEN quantile_cont(health_score, 0.5) OVER nights_before END AS health_median,
        CASE WHEN count(engagement_score) OVER nights_before >= 14
            THEN quantile_cont(engagement_score, 0.5) OVER nights_before END AS engagement_median
    FROM nights
    WINDOW nights_before AS (
        PARTITION BY partner_id ORDER BY snapshot_on ROWS BETWEEN 28 PRECEDING AND 1 PRECEDING
    )
),

scores AS (
    SELECT
        medians.partner_id,
        medians.snapshot_on,
        medians.stage,
        'health_low' AS cause,
        medians.health_score AS value,
        coalesce(medians.health_median, CAST(settings.alert_floor AS DOUBLE)) AS reference,
        medians.is_alive AND (
            medians.health_score < settings.alert_floor
            OR medians.health_score <= medians.health_median - settings.alert_drop
        ) AS is_on,
        NOT medians.is_alive OR (
            medians.health_score >= settings.alert_floor + 5
            AND medians.health_score >= coalesce(medians.health_median, 0) - settings.alert_drop + 5
        ) AS is_clear
    FROM medians
    CROSS JOIN settings
    UNION ALL
    SELECT
        medians.partner_id,
        medians.snapshot_on,
        medians.stage,
        'engagement_drop' AS cause,
        medians.engagement_score AS value,
        medians.engagement_median AS reference,
        medians.is_alive
        AND medians.is_half_gone
        AND medians.engagement_score <= medians.engagement_median - settings.alert_drop AS is_on,
        NOT medians.is_alive
        OR medians.engagement_score >= medians.engagement_median - settings.alert_drop + 5 AS is_clear
    FROM medians
    CROSS JOIN settings
),

silent_nights AS (
    SELECT
        nights.partner_id,
        nights.snapshot_on,
        nights.stage,
        nights.is_alive,
        rhythm.version_on,
        rhythm.days_since,
        rhythm.silence_days,
        rhythm.days_since >= rhythm.silence_days * 2 / 3.0
        AND rhythm.days_since >= least(rhythm.usual_gap_days, rhythm.silence_days) AS is_long
    FROM nights
    INNER JOIN intermediate.int_partner_rhythm AS rhythm
        ON nights.partner_id = rhythm.partner_id AND nights.snapshot_on = rhythm.snapshot_on
),

earlier_silences AS (
    SELECT silent_nights.partner_id, silent_nights.snapshot_on, count(*) AS times
    FROM silent_nights
    INNER JOIN intermediate.int_commercial_day AS commercial_day
        ON
            silent_nights.partner_id = commercial_day.partner_id
            AND silent_nights.version_on = commercial_day.version_on
            AND silent_nights.snapshot_on >= commercial_day.visible_on
            AND commercial_day.gap_days >= silent_nights.days_since
    WHERE silent_nights.is_long
    GROUP BY silent_nights.partner_id, silent_nights.snapshot_on
),

silences AS (
    SELECT
        silent_nights.partner_id,
        silent_nights.snapshot_on,
        silent_nights.stage,
        'commercial_silence' AS cause,
        CAST(silent_nights.days_since AS DOUBLE) AS value,
        CAST(silent_nights.silence_days AS DOUBLE) AS reference,
        silent_nights.is_long AND silent_nights.is_alive AND coalesce(earlier_silences.times < 2, TRUE) AS is_on
    FROM silent_nights
    LEFT JOIN earlier_silences
        ON
            silent_nights.partner_id = earlier_silences.partner_id
            AND silent_nights.snapshot_on = earlier_silences.snapshot_on
),

revenues AS (
    SELECT
        nights.partner_id,
        nights.snapshot_on,
        nights.stage,
        'revenue_down' AS cause,
        CAST(commercial.won_90 AS DOUBLE) AS value,
        CAST(commercial.won_90_year_ago AS DOUBLE) AS reference,
        commercial.won_deals_90_year_ago >= 2
        AND commercial.won_90 * 2 < commercial.won_90_year_ago
        AND commercial.won_365 * 10 < commercial.won_365_year_ago * 8
        AND NOT rhythm.is_ended AS is_on
    FROM nights
    INNER JOIN intermediate.int_commercial_window AS commercial
        ON nights.partner_id = commercial.partner_id AND nights.snapshot_on = commercial.snapshot_on
    INNER JOIN intermediate.int_partner_rhythm AS rhythm
        ON nights.partner_id = rhythm.partner_id AND nights.snapshot_on = rhythm.snapshot_on
),

certificates AS (
    SELECT
        nights.partner_id,
        nights.snapshot_on,
        nights.stage,
        'certificates_expiring' AS cause,
        CAST(enablement.certificates_expiring_90 AS DOUBLE) AS value,
        CAST(coalesce(requirement.required_certifications, 1) AS DOUBLE) AS reference,
        enablement.certificates_expiring_90 > 0
        AND enablement.certificates_valid - enablement.certificates_expiring_90
        < coalesce(requirement.required_certifications, 1) AS is_on
    FROM nights
    INNER JOIN intermediate.int_enablement_window AS enablement
        ON nights.partner_id = enablement.partner_id AND nights.snapshot_on = enablement.snapshot_on
    INNER JOIN intermediate.int_partner AS partner ON nights.partner_id = partner.partner_id
    LEFT JOIN tier_requirement AS requirement
        ON coalesce(enablement.tier_code, partner.tier_code) = requirement.tier_code
),

answers AS (
    SELECT
        nights.*,
        engagement.psat_answers,
        engagement.psat_top2,
        CAST(sum(engagement.psat_top2) OVER peers AS DOUBLE) / nullif(sum(engagement.psat_answers) OVER peers, 0)
            AS segment_psat
    FROM nights
    INNER JOIN intermediate.int_engagement_window AS engagement
        ON nights.partner_id = engagement.partner_id AND nights.snapshot_on = engagement.snapshot_on
    WINDOW peers AS (PARTITION BY nights.snapshot_on, nights.segment)
),

satisfactions AS (
    SELECT
        answers.partner_id,
        answers.snapshot_on,
        answers.stage,
        'satisfaction_low' AS cause,
        (answers.psat_top2 + settings.shrink_m * answers.segment_psat) / (answers.psat_answers + settings.shrink_m) AS value,
        answers.segment_psat AS reference,
        (answers.psat_top2 + settings.shrink_m * answers.segment_psat) / (answers.psat_answers + settings.shrink_m)
        <= answers.segment_psat - 0.1 AS is_on
    FROM answers
    CROSS JOIN settings
    WHERE answers.psat_answers > 0
),

registrations AS (
    SELECT
        r.partner_id,
        CAST(((r.submitted_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS submitted_on,
        -- The wait begins to count on the night that follows the deadline.
        CAST(
            (
                ((r.submitted_at + to_hours(settings.sla_response_hours)) AT TIME ZONE 'UTC')
                AT TIME ZONE settings.timezone
            ) AS DATE
        ) + 1 AS late_from_on,
        least(
            coalesce(
                CAST(
                    (
                        (coalesce(r.first_response_at, r.decided_at) AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone
                    ) AS DATE
                ) + 1,
                DATE '9999-12-31'
            ),
            coalesce(r.expires_on + 1, DATE '9999-12-31')
        ) AS answered_on,
        CAST(((r.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) AS known_on
    FROM canonical.deal_registration AS r
    CROSS JOIN settings
    WHERE
        NOT r._deleted
        AND r.submitted_at < settings.as_of_end
        AND (r.status IN ('submitted', 'in_review') OR r.first_response_at IS NOT NULL OR r.decided_at IS NOT NULL)
),

waits AS (
    SELECT
        nights.partner_id,
        nights.snapshot_on,
        nights.stage,
        'our_slow_answers' AS cause,
        CAST(count(*) AS DOUBLE) AS value,
        CAST(max(nights.snapshot_on - 1 - registrations.submitted_on) AS DOUBLE) AS reference,
        TRUE AS is_on
    FROM nights
    INNER JOIN registrations
        ON
            nights.partner_id = registrations.partner_id
            AND nights.snapshot_on >= registrations.late_from_on
            AND nights.snapshot_on >= registrations.known_on
            AND nights.snapshot_on < registrations.answered_on
            AND nights.snapshot_on <= registrations.submitted_on + 90
    GROUP BY nights.partner_id, nights.snapshot_on, nights.stage
),

stalls AS (
    SELECT
        nights.partner_id,
        nights.snapshot_on,
        nights.stage,
        'stalled' AS cause,
        CAST(stall.stay_days AS DOUBLE) AS value,
        CAST(stall.limit_days AS DOUBLE) AS reference,
        stall.is_stalled AND (nights.is_alive OR nights.stage = 'recruit') AS is_on
    FROM nights
    INNER JOIN intermediate.int_stage_stall AS stall
        ON nights.partner_id = stall.partner_id AND nights.snapshot_on = stall.snapshot_on
),

facts AS (
    SELECT partner_id, snapshot_on, stage, cause, value, reference, is_on FROM silences
    UNION ALL
    SELECT partner_id, snapshot_on, stage, cause, value, reference, is_on FROM revenues
    UNION ALL
    SELECT partner_id, snapshot_on, stage, cause, value, reference, is_on FROM certificates
    UNION ALL
    SELECT partner_id, snapshot_on, stage, cause, value, reference, is_on FROM satisfactions
    UNION ALL
    SELECT partner_id, snapshot_on, stage, cause, value, reference, is_on FROM waits
    UNION ALL
    SELECT partner_id, snapshot_on, stage, cause, value, reference, is_on FROM stalls
),

causes AS (
    SELECT partner_id, snapshot_on, stage, cause, value, reference, is_on, is_clear FROM scores
    UNION ALL
    SELECT
        nights.partner_id,
        nights.snapshot_on,
        nights.stage,
        kind.cause,
        facts.value,
        facts.reference,
        coalesce(facts.is_on, FALSE) AS is_on,
        NOT coalesce(facts.is_on, FALSE) AS is_clear
    FROM nights
    INNER JOIN intermediate.int_alert_cause AS kind ON kind.cause NOT IN ('churn_risk', 'health_low', 'engagement_drop')
    LEFT JOIN facts
        ON nights.partner_id = facts.partner_id AND nights.snapshot_on = facts.snapshot_on AND kind.cause = facts.cause
),

final AS (
    SELECT
        causes.partner_id,
        causes.snapshot_on,
        causes.stage,
        causes.cause,
        causes.value,
        causes.reference,
        coalesce(causes.is_on, FALSE) AS is_on,
        coalesce(causes.is_clear, FALSE) AS is_clear
    FROM causes
    -- A cause without a next step in the stage is not raised there.
    INNER JOIN intermediate.int_alert_suggestion AS suggestion
        ON causes.cause = suggestion.cause AND causes.stage = suggestion.stage
)

SELECT * FROM final
