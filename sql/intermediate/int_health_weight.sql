-- int_health_weight: the weight of each health signal in each lifecycle stage (M38).
-- grain: stage x signal that counts
-- key: stage, signal
-- stage VARCHAR: onboard, enable, sell or grow
-- signal VARCHAR: signal
-- weight DECIMAL(9,4): weight; those of a stage are divided by their sum
-- note: a stage that the configuration names has the configured weights and no others
WITH defaults AS (
    SELECT * FROM (
        VALUES
        ('onboard', 'onboarding_tasks_done', 35),
        ('onboard', 'certification_coverage', 10),
        ('onboard', 'courses_per_person', 15),
        ('onboard', 'people_active', 20),
        ('onboard', 'meetings_held', 20),
        ('enable', 'onboarding_tasks_done', 10),
        ('enable', 'certification_coverage', 25),
        ('enable', 'courses_per_person', 15),
        ('enable', 'people_active', 20),
        ('enable', 'content_events', 10),
        ('enable', 'registrations_trend', 10),
        ('enable', 'meetings_held', 10),
        ('sell', 'certification_coverage', 10),
        ('sell', 'courses_per_person', 5),
        ('sell', 'people_active', 10),
        ('sell', 'content_events', 5),
        ('sell', 'commercial_silence', 20),
        ('sell', 'registrations_trend', 15),
        ('sell', 'pipeline_trend', 15),
        ('sell', 'revenue_trend', 5),
        ('sell', 'win_rate', 5),
        ('sell', 'meetings_held', 5),
        ('sell', 'psat', 5),
        ('grow', 'certification_coverage', 5),
        ('grow', 'people_active', 10),
        ('grow', 'commercial_silence', 20),
        ('grow', 'registrations_trend', 5),
        ('grow', 'pipeline_trend', 10),
        ('grow', 'revenue_trend', 20),
        ('grow', 'win_rate', 5),
        ('grow', 'nrr', 10),
        ('grow', 'meetings_held', 5),
        ('grow', 'psat', 10)
    ) AS profile (stage, signal, weight)
),

weights AS (
    SELECT stage, signal, CAST(weight AS DOUBLE) AS weight FROM health_weight
    UNION ALL
    SELECT stage, signal, CAST(weight AS DOUBLE) AS weight
    FROM defaults
    WHERE stage NOT IN (SELECT stage FROM health_weight)
),

final AS (
    SELECT weights.stage, weights.signal, CAST(weights.weight AS DECIMAL(9, 4)) AS weight
    FROM weights
    INNER JOIN intermediate.int_health_signal_kind AS kind ON weights.signal = kind.signal
    WHERE weights.weight > 0
)

SELECT * FROM final
