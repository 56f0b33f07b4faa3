-- int_touch: every recorded touch of a partner on a deal, before any window is applied.
-- grain: deal x partner x touch
-- key: deal_id, partner_id, touch_type, touch_id
-- deal_id VARCHAR: native key of the deal
-- partner_id VARCHAR: partner that touched the deal
-- touch_type VARCHAR: sourcing, registration, joint_meeting, technical_validation, reference_call, partner_role or
--   funded_event
-- touch_id VARCHAR: native key of the record behind the touch
-- touched_at TIMESTAMP: when it happened
-- touched_on DATE: local day on which it happened
-- known_at TIMESTAMP: when we knew of it
-- note: M19 list, as far as influence.touch_types switches it on, plus sourcing and the approved registrations of
--   partners whose claim lost (M18)
-- note: joint meeting = meeting or QBR that was held on the deal with the customer; funded event = event held on the
--   deal on a day that an approved or paid fund record of the partner covers; role = any role but the honoured sourced
--   one and serviced, which is delivery after the sale and never money; a role without a date counts from the deal's
--   creation
WITH deals AS (
    SELECT * FROM intermediate.int_deal
),

types AS (
    SELECT value AS touch_type FROM setting_list WHERE setting = 'influence.touch_types'
),

fund_cover AS (
    SELECT DISTINCT
        fund.partner_id,
        coalesce(fund.period_start, CAST(((fund.created_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE)) AS covers_from,
        coalesce(
            fund.period_end,
            CAST(((fund.paid_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE),
            DATE '9999-12-31'
        ) AS covers_to
    FROM canonical.fund_flow AS fund
    CROSS JOIN run_settings AS s
    WHERE
        NOT fund._deleted
        AND fund.kind IN ('request', 'claim')
        AND fund.status IN ('approved', 'paid')
        AND fund.partner_id IS NOT NULL
),

held AS (
    SELECT
        activity.opportunity_id AS deal_id,
        activity.partner_id,
        CASE
            WHEN activity.kind IN ('meeting', 'qbr') AND activity.customer_present THEN 'joint_meeting'
            WHEN activity.kind IN ('technical_validation', 'reference_call') THEN activity.kind
            WHEN activity.kind = 'event' THEN 'funded_event'
        END AS touch_type,
        activity.activity_id AS touch_id,
        coalesce(activity.started_at, activity.scheduled_at, activity.ended_at) AS touched_at,
        CAST((
            (coalesce(activity.started_at, activity.scheduled_at, activity.ended_at) AT TIME ZONE 'UTC') AT TIME ZONE s.timezone
        ) AS DATE) AS held_on,
        activity.known_at
    FROM canonical.activity AS activity
    CROSS JOIN run_settings AS s
    WHERE NOT activity._deleted AND activity.status = 'held' AND activity.opportunity_id IS NOT NULL
),

activities AS (
    SELECT *
    FROM held
    WHERE
        touch_type IN ('joint_meeting', 'technical_validation', 'reference_call')
        OR (
            touch_type = 'funded_event'
            AND EXISTS (
                SELECT 1
                FROM fund_cover
                WHERE
                    fund_cover.partner_id = held.partner_id
                    AND fund_cover.covers_from <= held.held_on
                    AND fund_cover.covers_to >= held.held_on
            )
        )
),

roles AS (
    SELECT
        deals.deal_id,
        role.partner_id,
        'partner_role' AS touch_type,
        min(deals.deal_id || '|' || role.partner_ref || '|' || role.role) AS touch_id,
        coalesce(role.first_touch_at, deals.created_at) AS touched_at,
        min(role.known_at) AS known_at
    FROM canonical.opportunity_partner AS role
    INNER JOIN deals ON role.opportunity_id = deals.deal_id
    WHERE
        NOT role._deleted
        AND role.role <> 'serviced'
        AND NOT (role.role = 'sourced' AND role.partner_id IS NOT DISTINCT FROM deals.source_partner_id)
    GROUP BY deals.deal_id, role.partner_id, role.role, coalesce(role.first_touch_at, deals.created_at)
),

claims AS (
    SELECT
        deal_id,
        partner_id,
        CASE WHEN is_source THEN 'sourcing' ELSE 'registration' END AS touch_type,
        claim_id AS touch_id,
        claimed_at AS touched_at,
        known_at
    FROM intermediate.int_deal_claim
    WHERE is_source OR rule = 'registration'
),

touches AS (
    SELECT deal_id, partner_id, touch_type, touch_id, touched_at, known_at FROM activities
    WHERE touch_type IN (SELECT touch_type FROM types)
    UNION ALL
    SELECT deal_id, partner_id, touch_type, touch_id, touched_at, known_at FROM roles
    WHERE touch_type IN (SELECT touch_type FROM types)
    UNION ALL
    SELECT deal_id, partner_id, touch_type, touch_id, touched_at, known_at FROM claims
),

final AS (
    SELECT
        touches.deal_id,
        touches.partner_id,
        touches.touch_type,
        touches.touch_id,
        touches.touched_at,
        CAST(((touches.touched_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) AS touched_on,
        greatest(touches.known_at, touches.touched_at) AS known_at
    FROM touches
    INNER JOIN deals ON touches.deal_id = deals.deal_id
    INNER JOIN intermediate.int_partner AS partner ON touches.partner_id = partner.partner_id
    CROSS JOIN run_settings AS s
    WHERE touches.touched_at < s.as_of_end
)

SELECT * FROM final
