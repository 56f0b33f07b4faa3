-- int_stage_progress: the days on which a partner moved forward, by the lifecycle stage in which that counts as progress (M44).
-- grain: partner x stage x day
-- key: partner_id, stage, progress_on
-- partner_id VARCHAR: partner
-- stage VARCHAR: recruit, onboard, enable, sell or grow
-- progress_on DATE: day
-- note: recruit: decision on the application. onboard: onboarding task done, first day in portal or LMS, first course.
--   enable: certificate, course completed and not failed, content used, meeting held. sell: registration, deal created,
--   deal won. grow: deal won (new product, expansion and renewal among them), renewal or expansion opened, move of tier or
--   region
WITH deals AS (
    SELECT DISTINCT role.partner_id, deal.deal_id, deal.created_on, deal.closed_on, deal.outcome, deal.deal_type
    FROM intermediate.int_deal AS deal
    INNER JOIN intermediate.int_deal_partner AS role ON deal.deal_id = role.deal_id
    WHERE role.is_revenue_role AND NOT deal.is_excluded
),

moments AS (
    SELECT partner_id, 'recruit' AS stage, decided_at AS happened_at
    FROM canonical.partner_application
    WHERE NOT _deleted
    UNION ALL
    SELECT partner_id, 'onboard' AS stage, completed_at AS happened_at
    FROM canonical.onboarding_task
    WHERE NOT _deleted
    UNION ALL
    SELECT partner_id, 'onboard' AS stage, started_at AS happened_at
    FROM canonical.learning_record
    WHERE NOT _deleted
    QUALIFY row_number() OVER (PARTITION BY partner_id, person_id ORDER BY started_at NULLS LAST, learning_id) = 1
    UNION ALL
    SELECT partner_id, 'enable' AS stage, completed_at AS happened_at
    FROM canonical.learning_record
    WHERE NOT _deleted AND status IS DISTINCT FROM 'failed'
    UNION ALL
    SELECT partner_id, 'enable' AS stage, issued_at AS happened_at
    FROM canonical.certification
    WHERE NOT _deleted
    UNION ALL
    SELECT partner_id, 'enable' AS stage, coalesce(started_at, scheduled_at) AS happened_at
    FROM canonical.activity
    WHERE NOT _deleted AND status = 'held' AND kind IN ('qbr', 'meeting', 'call', 'event')
    UNION ALL
    SELECT partner_id, 'sell' AS stage, submitted_at AS happened_at
    FROM canonical.deal_registration
    WHERE NOT _deleted AND status NOT IN ('draft', 'rejected')
    UNION ALL
    SELECT partner_id, 'grow' AS stage, valid_from AS happened_at
    FROM canonical.partner_history
    WHERE NOT _deleted AND attribute IN ('tier', 'region') AND basis <> 'backfilled'
),

local_days AS (
    SELECT
        m.partner_id,
        m.stage,
        CAST(((m.happened_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS progress_on
    FROM moments AS m
    CROSS JOIN run_settings AS s
    WHERE m.partner_id IS NOT NULL AND m.happened_at < s.as_of_end
    UNION ALL
    SELECT partner_id, 'onboard' AS stage, min(day) AS progress_on
    FROM intermediate.int_partner_day
    WHERE is_active
    GROUP BY partner_id, person_id
    UNION ALL
    SELECT partner_id, 'enable' AS stage, day AS progress_on
    FROM intermediate.int_partner_day
    WHERE content_events > 0
    UNION ALL
    SELECT partner_id, 'sell' AS stage, created_on AS progress_on FROM deals
    UNION ALL
    SELECT partner_id, 'sell' AS stage, closed_on AS progress_on FROM deals WHERE outcome = 'won'
    UNION ALL
    SELECT partner_id, 'grow' AS stage, closed_on AS progress_on FROM deals WHERE outcome = 'won'
    UNION ALL
    SELECT partner_id, 'grow' AS stage, created_on AS progress_on FROM deals WHERE deal_type IN ('renewal', 'expansion')
),

final AS (
    SELECT DISTINCT local_days.partner_id, local_days.stage, local_days.progress_on
    FROM local_days
    INNER JOIN intermediate.int_partner AS partner ON local_days.partner_id = partner.partner_id
    CROSS JOIN run_settings AS s
    WHERE local_days.progress_on <= s.as_of
)

SELECT * FROM final
