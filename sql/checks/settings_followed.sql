-- settings_followed: every setting has a value that the metrics follow.
-- severity: error
-- table: run_settings
WITH chosen AS (
    SELECT 'winrate.no_decision' AS setting, winrate_no_decision AS value, ['lost', 'exclude'] AS known FROM run_settings
    UNION ALL
    SELECT 'attribution.headline', attribution_headline, ['first', 'last', 'linear'] FROM run_settings
    UNION ALL
    SELECT 'ropi.benefit', ropi_benefit, ['gross_margin', 'revenue'] FROM run_settings
    UNION ALL
    SELECT 'ropi.credit', ropi_credit, ['attributed'] FROM run_settings
    UNION ALL
    SELECT 'ropi.driver', ropi_driver, ['deals_worked'] FROM run_settings
    UNION ALL
    SELECT 'fiscal.label', fiscal_label, ['start_year', 'end_year'] FROM run_settings
    UNION ALL
    SELECT setting, value, ['sourced', 'resold', 'fulfilled'] FROM setting_list WHERE setting = 'revenue_roles'
    UNION ALL
    SELECT setting, value, ['joint_meeting', 'technical_validation', 'reference_call', 'partner_role', 'funded_event']
    FROM setting_list
    WHERE setting = 'influence.touch_types'
),

missing AS (
    SELECT lists.setting, NULL AS value
    FROM (SELECT unnest(['revenue_roles', 'influence.touch_types']) AS setting) AS lists
    LEFT JOIN setting_list ON lists.setting = setting_list.setting
    CROSS JOIN run_settings
    WHERE setting_list.setting IS NULL
)

SELECT setting, value FROM chosen WHERE NOT coalesce(list_contains(known, value), FALSE)
UNION ALL
SELECT setting, value FROM missing
