-- int_health_signal_kind: the signals of the health score, what they are made of and what they mean (M38).
-- grain: signal
-- key: signal
-- signal VARCHAR: signal
-- position INTEGER: order in which signals are told
-- signal_name VARCHAR: the signal in words
-- is_activity BOOLEAN: what people do rather than achieve; the engagement score is made of these
-- is_lower_better BOOLEAN: less is better, so the bars are swapped
-- is_own_past BOOLEAN: the value is against the partner's own past, where 1 is as always
-- feed VARCHAR: canonical table without which the signal is not applicable
-- goes_stale BOOLEAN: the value is wrong when the feed is old; a survey wave stays as good as it was
-- default_low DOUBLE: value that earns no points where there are no peers to compare with
-- default_high DOUBLE: value that earns all points there
-- cause VARCHAR: alert cause that the signal speaks for
WITH final AS (
    SELECT
        signal,
        CAST(position AS INTEGER) AS position,
        signal_name,
        is_activity,
        is_lower_better,
        is_own_past,
        feed,
        goes_stale,
        CAST(default_low AS DOUBLE) AS default_low,
        CAST(default_high AS DOUBLE) AS default_high,
        cause
    FROM (
        VALUES
        ('onboarding_tasks_done', 1, 'onboarding tasks done', FALSE, FALSE, FALSE, 'onboarding_task', TRUE, 0.2, 1.0, 'stalled'),
        ('certification_coverage', 2, 'certificates', FALSE, FALSE, FALSE, 'certification', TRUE, 0.0, 1.0, 'certificates_expiring'),
        ('courses_per_person', 3, 'courses completed', TRUE, FALSE, FALSE, 'learning_record', TRUE, 0.0, 1.0, 'engagement_drop'),
        ('people_active', 4, 'people active', TRUE, FALSE, FALSE, 'engagement_event', TRUE, 0.0, 0.5, 'engagement_drop'),
        ('content_events', 5, 'content used', TRUE, FALSE, FALSE, 'engagement_event', TRUE, 0.0, 5.0, 'engagement_drop'),
        ('commercial_silence', 6, 'commercial silence', FALSE, TRUE, TRUE, 'opportunity', TRUE, 2.0, 1.0, 'commercial_silence'),
        ('registrations_trend', 7, 'registrations', FALSE, FALSE, TRUE, 'deal_registration', TRUE, 0.4, 1.0, 'commercial_silence'),
        ('pipeline_trend', 8, 'pipeline created', FALSE, FALSE, TRUE, 'opportunity', TRUE, 0.4, 1.0, 'commercial_silence'),
        ('revenue_trend', 9, 'won revenue', FALSE, FALSE, TRUE, 'opportunity', TRUE, 0.5, 1.0, 'revenue_down'),
        ('win_rate', 10, 'win rate', FALSE, FALSE, FALSE, 'opportunity', TRUE, 0.1, 0.4, 'revenue_down'),
        ('nrr', 11, 'net revenue retention', FALSE, FALSE, FALSE, 'subscription_change', TRUE, 0.8, 1.1, 'revenue_down'),
        ('meetings_held', 12, 'meetings held', TRUE, FALSE, FALSE, 'activity', TRUE, 0.0, 0.75, 'engagement_drop'),
        ('psat', 13, 'partner satisfaction', FALSE, FALSE, FALSE, 'survey_response', FALSE, 0.5, 0.9, 'satisfaction_low')
    ) AS kind (
        signal, position, signal_name, is_activity, is_lower_better, is_own_past, feed, goes_stale, default_low, default_high,
        cause
    )
)

SELECT * FROM final
