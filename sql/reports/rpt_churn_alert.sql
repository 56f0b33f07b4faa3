-- rpt_churn_alert: the partners that need attention tonight, one row per partner and cause, most at stake first (M39).
-- grain: partner x cause in alarm
-- key: alert_id
-- alert_id VARCHAR: partner and cause
-- partner_id VARCHAR: partner
-- partner_name VARCHAR: name of the organisation
-- owner_key VARCHAR: partner manager who owns the relationship
-- owner_name VARCHAR: name of the partner manager
-- stage VARCHAR: lifecycle stage
-- cause VARCHAR: churn_risk, commercial_silence, health_low, revenue_down, engagement_drop, our_slow_answers, stalled,
--   satisfaction_low or certificates_expiring
-- severity VARCHAR: high, medium or low
-- priority_rank INTEGER: 1 for the first to act on; muted alerts come last
-- owner_rank INTEGER: the partner's place on its manager's list; the causes of one partner share it; null where muted
-- probability DOUBLE: probability of churn within churn.horizon_days; null where the model gives none
-- band VARCHAR: risk band; null where the model gives none
-- health_score DOUBLE: health tonight, 0 to 100; null where too little is known
-- last_good_value VARCHAR: the last value without the alarm, in words; null where it is older than 28 nights
-- last_good_on DATE: day of that value
-- trailing_revenue_base DECIMAL(18,4): won in 365 days in a revenue role, in the reporting currency
-- revenue_at_stake_base DECIMAL(18,4): trailing revenue + open sourced pipeline x shrunken win rate
-- priority_base DECIMAL(18,4): revenue at stake x probability; where there is none, x (100 - health) / 100
-- reason_1 VARCHAR: the cause in words; says so where too much of its feed belongs to nobody known
-- reason_2 VARCHAR: what weighs most besides
-- reason_3 VARCHAR: what weighs next
-- suggestion VARCHAR: next step that fits the cause and the stage
-- raised_on DATE: as-of date of the night on which the alarm was raised; null for churn_risk, which keeps no history
-- is_new BOOLEAN: raised tonight, and not in the 14 nights before
-- is_listed BOOLEAN: on the manager's list: not muted, and among the first alert.at_most_per_manager partners
-- is_muted BOOLEAN: held back
-- mute_reason VARCHAR: why it is held back
-- score_basis VARCHAR: churn_model, or health where there is no probability
-- note: a partner is ranked by what is at stake with it; among partners with nothing at stake the newest alarm comes first
WITH settings AS (
    SELECT as_of, currency_base, alert_floor, alert_at_most_per_manager FROM run_settings
),

partners AS (
    SELECT * FROM dim_partner
),

churn_scores AS (
    SELECT * FROM score_partner_churn WHERE status = 'scored'
),

churn_risks AS (
    SELECT
        churn_scores.partner_id,
        'churn_risk' AS cause,
        stage.stage,
        churn_scores.probability AS value,
        CAST(NULL AS DOUBLE) AS reference,
        CAST(NULL AS DATE) AS raised_on,
        FALSE AS is_new,
        CAST(NULL AS DOUBLE) AS last_good_value,
        CAST(NULL AS DATE) AS last_good_on,
        FALSE AS is_exited
    FROM churn_scores
    INNER JOIN fct_partner_stage AS stage ON churn_scores.partner_id = stage.partner_id
    WHERE churn_scores.band = 'high'
),

alarms AS (
    SELECT
        partner_id,
        cause,
        stage,
        value,
        reference,
        raised_on,
        is_new,
        last_good_value,
        last_good_on,
        is_exited
    FROM intermediate.int_alert
    UNION ALL
    SELECT * FROM churn_risks
),

rhythms AS (
    SELECT rhythm.*
    FROM intermediate.int_partner_rhythm AS rhythm
    INNER JOIN intermediate.int_snapshot AS snapshot ON rhythm.snapshot_on = snapshot.snapshot_on
    WHERE snapshot.is_as_of
),

worded AS (
    SELECT
        alarms.*,
        kind.position,
        kind.topic,
        kind.mutes_new,
        kind.feeds,
        CASE
            WHEN alarms.cause = 'commercial_silence' AND alarms.value >= alarms.reference THEN 'high'
            WHEN alarms.cause = 'health_low' AND alarms.value < settings.alert_floor / 2.0 THEN 'high'
            ELSE kind.severity
        END AS severity,
        CASE alarms.cause
            WHEN 'commercial_silence'
                THEN
                    format('no deal for {:.0f} day', alarms.value)
                    || CASE WHEN alarms.value = 1 THEN '; ' ELSE 's; ' END
                    || CASE
                        WHEN rhythms.events >= 3 AND rhythms.median_gap_days >= 1.5
                            THEN format('this partner usually brings one every {:.0f}', rhythms.median_gap_days)
                        WHEN rhythms.events >= 3 THEN 'this partner usually brings one every day'
                        ELSE 'too few so far to know its rhythm'
                    END
                    || CASE WHEN alarms.value >= alarms.reference
                        THEN format('; counts as gone since day {:.0f}', alarms.reference) ELSE '' END
            WHEN 'health_low'
                THEN
                    format('health {:.0f} of 100', floor(alarms.value))
                    || CASE
                        WHEN alarms.value < settings.alert_floor THEN format(', below the floor of {}', settings.alert_floor)
                        ELSE format(', its median of 28 nights is {:.0f}', alarms.reference)
                    END
            WHEN 'revenue_down'
                THEN
                    format(
                        'won {:,} {} in 90 days, {:,} in the same days a year ago',
                        CAST(round(alarms.value) AS BIGINT),
                        settings.currency_base,
                        CAST(round(alarms.reference) AS BIGINT)
                    )
            WHEN 'engagement_drop'
                THEN format('engagement {:.0f} of 100, its median of 28 nights is {:.0f}', alarms.value, alarms.reference)
            WHEN 'our_slow_answers'
                THEN
                    CASE WHEN alarms.value = 1
                        THEN format('1 registration waits for our answer for {:.0f} days', alarms.reference)
                        ELSE format(
                            '{:.0f} registrations wait for our answer, the oldest for {:.0f} days',
                            alarms.value,
                            alarms.reference
                        )
                    END
            WHEN 'stalled' THEN coalesce(stage.stall_reason, format('day {:.0f} in {}', alarms.value, alarms.stage))
            WHEN 'satisfaction_low'
                THEN
                    format(
                        'satisfaction {:.0f} % with the segment''s {:.0f} % behind it',
                        100 * alarms.value,
                        100 * alarms.reference
                    )
            WHEN 'certificates_expiring'
                THEN
                    format('{:.0f} ', alarms.value)
                    || CASE WHEN alarms.value = 1 THEN 'certificate expires' ELSE 'certificates expire' END
                    || format(' within 90 days; the tier asks for {:.0f}', alarms.reference)
        END AS cause_text,
        CASE
            WHEN alarms.cause = 'commercial_silence' THEN 'last deal or registration'
            WHEN alarms.cause = 'stalled' AND stage.last_progress_on IS NOT NULL THEN 'last progress'
            WHEN alarms.last_good_on IS NULL THEN NULL
            WHEN alarms.cause = 'health_low' THEN format('health {:.0f}', floor(alarms.last_good_value))
            WHEN alarms.cause = 'engagement_drop' THEN format('engagement {:.0f}', alarms.last_good_value)
            -- A night may have had no alarm because less was won a year before it, and not because more was won.
            WHEN alarms.cause = 'revenue_down' AND alarms.last_good_value > alarms.value
                THEN format(
                    '{:,} {} won in 90 days', CAST(round(alarms.last_good_value) AS BIGINT), settings.currency_base
                )
        END AS last_good_text,
        CASE
            WHEN alarms.cause = 'commercial_silence' THEN rhythms.last_event_on
            WHEN alarms.cause = 'stalled' THEN stage.last_progress_on
            ELSE alarms.last_good_on
        END AS last_good_day
    FROM alarms
    CROSS JOIN settings
    INNER JOIN intermediate.int_alert_cause AS kind ON alarms.cause = kind.cause
    INNER JOIN fct_partner_stage AS stage ON alarms.partner_id = stage.partner_id
    LEFT JOIN rhythms ON alarms.partner_id = rhythms.partner_id
),

-- What else weighs on the partner: the model's reasons where there are any, then the signals that lose most points.
feature_topics AS (
    SELECT * FROM (
        VALUES
        ('recency_gaps', 'commercial_silence'),
        ('days_since_last_event', 'commercial_silence'),
        ('median_gap_days', 'commercial_silence'),
        ('revenue_trend', 'revenue_trend'),
        ('activity_trend', 'registrations_trend'),
        ('open_pipeline_log', 'pipeline_trend'),
        ('open_pipeline_age_days', 'pipeline_trend'),
        ('people_trend', 'people_active'),
        ('days_since_activity_log', 'people_active'),
        ('cert_share', 'certification_coverage'),
        ('certs_expiring_90d', 'certification_coverage'),
        ('late_answer_share', 'our_slow_answers'),
        ('lost_streak', 'win_rate'),
        ('meetings_90d', 'meetings_held'),
        ('psat_latest', 'psat'),
        ('psat_missing', 'psat')
    ) AS feature_topic (feature, topic)
),

candidates AS (
    SELECT
        contribution.partner_id,
        1 AS origin,
        contribution.contribution AS weight,
        coalesce(feature_topics.topic, contribution.feature) AS topic,
        contribution.reason AS sentence
    FROM score_churn_contribution AS contribution
    INNER JOIN churn_scores ON contribution.partner_id = churn_scores.partner_id
    LEFT JOIN feature_topics ON contribution.feature = feature_topics.feature
    WHERE contribution.contribution >= 0.1 AND contribution.reason IS NOT NULL
    UNION ALL
    SELECT
        signal.partner_id,
        2 AS origin,
        signal.lost AS weight,
        signal.signal AS topic,
        signal.note AS sentence
    FROM fct_health_signal AS signal
    WHERE signal.lost >= 3
),

ranked_candidates AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY partner_id ORDER BY origin, weight DESC, topic) AS candidate_no
    FROM candidates
    QUALIFY row_number() OVER (PARTITION BY partner_id, topic ORDER BY origin, weight DESC, sentence) = 1
),

other_reasons AS (
    SELECT
        worded.partner_id,
        worded.cause,
        ranked_candidates.sentence,
        ranked_candidates.topic,
        row_number() OVER (
            PARTITION BY worded.partner_id, worded.cause ORDER BY ranked_candidates.candidate_no
        ) AS reason_no
    FROM worded
    INNER JOIN ranked_candidates
        ON worded.partner_id = ranked_candidates.partner_id AND worded.topic <> ranked_candidates.topic
),

reasons AS (
    SELECT
        partner_id,
        cause,
        max(CASE WHEN reason_no = 1 THEN sentence END) AS other_1,
        max(CASE WHEN reason_no = 2 THEN sentence END) AS other_2,
        max(CASE WHEN reason_no = 3 THEN sentence END) AS other_3,
        max(CASE WHEN reason_no = 1 THEN topic END) AS main_topic
    FROM other_reasons
    WHERE reason_no <= 3
    GROUP BY partner_id, cause
),

topic_causes AS (
    SELECT signal AS topic, cause FROM intermediate.int_health_signal_kind
    UNION ALL
    SELECT 'our_slow_answers' AS topic, 'our_slow_answers' AS cause
),

stale_feeds AS (
    SELECT
        kind.cause,
        min({'age_days': -feed.age_days, 'table_name': feed.table_name}) AS oldest
    FROM intermediate.int_alert_cause AS kind
    CROSS JOIN intermediate.int_feed AS feed
    WHERE feed.is_stale AND list_contains(string_split(kind.feeds, ', '), feed.table_name)
    GROUP BY kind.cause
),

low_feeds AS (
    SELECT
        kind.cause,
        min({'share': coverage.share, 'table_name': coverage.table_name}) AS lowest
    FROM intermediate.int_alert_cause AS kind
    CROSS JOIN intermediate.int_coverage AS coverage
    WHERE coverage.is_low AND list_contains(string_split(kind.feeds, ', '), coverage.table_name)
    GROUP BY kind.cause
),

alerts AS (
    SELECT
        worded.*,
        partners.partner_name,
        partners.owner_key,
        partners.owner_name,
        churn_scores.probability,
        churn_scores.band,
        health.health_score,
        stake.trailing_revenue_base,
        stake.revenue_at_stake_base,
        CAST(round(
            CAST(stake.revenue_at_stake_base AS DOUBLE)
            * coalesce(churn_scores.probability, (100 - health.health_score) / 100, 0.5), 4
        ) AS DECIMAL(18, 4)) AS priority_base,
        CASE WHEN worded.cause_text IS NULL THEN coalesce(reasons.other_1, 'the churn model sees a high risk')
            ELSE worded.cause_text END
        || CASE
            WHEN low_feeds.cause IS NULL THEN ''
            ELSE
                ' (low coverage: the partner is known of ' || CAST(floor(100 * low_feeds.lowest.share) AS BIGINT) || ' % of '
                || low_feeds.lowest.table_name || ')'
        END AS reason_1,
        CASE WHEN worded.cause_text IS NULL THEN reasons.other_2 ELSE reasons.other_1 END AS reason_2,
        CASE WHEN worded.cause_text IS NULL THEN reasons.other_3 ELSE reasons.other_2 END AS reason_3,
        coalesce(
            CASE WHEN worded.cause IN ('health_low', 'churn_risk') THEN main_step.suggestion END, step.suggestion
        ) AS suggestion,
        CASE
            WHEN worded.is_exited OR partners.exited_on IS NOT NULL
                THEN 'left the programme on ' || CAST(partners.exited_on AS VARCHAR)
            WHEN stale_feeds.cause IS NOT NULL
                THEN
                    'feed ' || stale_feeds.oldest.table_name || ' is ' || CAST(-stale_feeds.oldest.age_days AS VARCHAR)
                    || ' days old'
            WHEN worded.mutes_new AND settings.as_of - partners.signed_on < 90
                THEN 'new partner, signed ' || CAST(settings.as_of - partners.signed_on AS VARCHAR) || ' days ago'
        END AS mute_reason
    FROM worded
    CROSS JOIN settings
    INNER JOIN partners ON worded.partner_id = partners.partner_id
    INNER JOIN intermediate.int_revenue_at_stake AS stake ON worded.partner_id = stake.partner_id
    LEFT JOIN churn_scores ON worded.partner_id = churn_scores.partner_id
    LEFT JOIN score_partner_health AS health ON worded.partner_id = health.partner_id
    LEFT JOIN reasons ON worded.partner_id = reasons.partner_id AND worded.cause = reasons.cause
    LEFT JOIN topic_causes ON reasons.main_topic = topic_causes.topic
    LEFT JOIN intermediate.int_alert_suggestion AS main_step
        ON topic_causes.cause = main_step.cause AND worded.stage = main_step.stage
    LEFT JOIN intermediate.int_alert_suggestion AS step ON worded.cause = step.cause AND worded.stage = step.stage
    LEFT JOIN stale_feeds ON worded.cause = stale_feeds.cause
    LEFT JOIN low_feeds ON worded.cause = low_feeds.cause
),

graded AS (
    SELECT
        *,
        mute_reason IS NOT NULL AS is_muted,
        CASE severity WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END AS severity_no
    FROM alerts
),

partner_grades AS (
    SELECT
        *,
        min(severity_no) OVER partner_alerts AS worst_severity_no,
        max(coalesce(raised_on, DATE '1900-01-01')) OVER partner_alerts AS newest_raised_on
    FROM graded
    WINDOW partner_alerts AS (PARTITION BY partner_id, is_muted)
),

final AS (
    SELECT
        partner_id || '|' || cause AS alert_id,
        partner_id,
        partner_name,
        owner_key,
        owner_name,
        stage,
        cause,
        severity,
        CAST(row_number() OVER (
            ORDER BY
                is_muted,
                priority_base DESC,
                worst_severity_no,
                newest_raised_on DESC,
                health_score NULLS LAST,
                partner_id,
                position
        ) AS INTEGER) AS priority_rank,
        CASE WHEN NOT is_muted
            THEN CAST(dense_rank() OVER (
                PARTITION BY owner_key, is_muted
                ORDER BY
                    priority_base DESC,
                    worst_severity_no,
                    newest_raised_on DESC,
                    health_score NULLS LAST,
                    partner_id
            ) AS INTEGER)
        END AS owner_rank,
        probability,
        band,
        health_score,
        last_good_text AS last_good_value,
        CASE WHEN last_good_text IS NOT NULL THEN last_good_day END AS last_good_on,
        trailing_revenue_base,
        revenue_at_stake_base,
        priority_base,
        reason_1,
        reason_2,
        reason_3,
        suggestion,
        raised_on,
        is_new,
        coalesce(
            NOT is_muted
            AND dense_rank() OVER (
                PARTITION BY owner_key, is_muted
                ORDER BY
                    priority_base DESC,
                    worst_severity_no,
                    newest_raised_on DESC,
                    health_score NULLS LAST,
                    partner_id
            ) <= settings.alert_at_most_per_manager, FALSE
        ) AS is_listed,
        is_muted,
        mute_reason,
        CASE WHEN probability IS NULL THEN 'health' ELSE 'churn_model' END AS score_basis
    FROM partner_grades
    CROSS JOIN settings
)

SELECT * FROM final
