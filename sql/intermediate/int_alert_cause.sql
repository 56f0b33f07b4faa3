-- int_alert_cause: the causes for which a partner manager is alerted, in the order in which they are told.
-- grain: cause
-- key: cause
-- cause VARCHAR: cause
-- position INTEGER: order among the causes of one partner
-- severity VARCHAR: high, medium or low, as long as nothing makes it worse
-- mutes_new BOOLEAN: muted in a partner's first 90 days, when there is nothing to fall from
-- topic VARCHAR: health signal or theme that the cause speaks of, so that its reasons do not say it twice
-- feeds VARCHAR: canonical tables that it needs, separated by commas; an old one mutes it
WITH final AS (
    SELECT
        cause,
        CAST(position AS INTEGER) AS position,
        severity,
        mutes_new,
        topic,
        feeds
    FROM (
        VALUES
        ('churn_risk', 1, 'high', TRUE, 'churn_risk', 'opportunity'),
        ('commercial_silence', 2, 'medium', TRUE, 'commercial_silence', 'opportunity, deal_registration'),
        ('health_low', 3, 'medium', TRUE, 'health_low', 'opportunity, engagement_event'),
        ('revenue_down', 4, 'medium', TRUE, 'revenue_trend', 'opportunity'),
        ('engagement_drop', 5, 'medium', TRUE, 'people_active', 'engagement_event'),
        ('our_slow_answers', 6, 'medium', FALSE, 'our_slow_answers', 'deal_registration'),
        ('stalled', 7, 'low', FALSE, 'stalled', ''),
        ('satisfaction_low', 8, 'low', TRUE, 'psat', ''),
        ('certificates_expiring', 9, 'low', FALSE, 'certification_coverage', 'certification')
    ) AS kind (cause, position, severity, mutes_new, topic, feeds)
)

SELECT * FROM final
