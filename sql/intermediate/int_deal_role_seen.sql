-- int_deal_role_seen: from which snapshot on a partner was known to hold a role on a deal, and until which.
-- grain: deal x partner x whether revenue roles alone x stretch of snapshots
-- key: deal_id, partner_id, is_revenue, seen_on
-- deal_id VARCHAR: native key of the deal
-- partner_id VARCHAR: partner
-- is_revenue BOOLEAN: true for roles that count as the partner's own revenue (setting revenue_roles); false for any credited
--   role, those among them
-- seen_on DATE: first snapshot that knows it
-- unseen_on DATE: first snapshot after it that knows better; null while none does
-- note: int_deal_partner tells the roles as tonight knows them; in an old snapshot they would tell its future, because a
--   source can be claimed, approved, or lose to a better claim after it
-- note: a deal that was lost as one that never was real is unseen from its closing on: until then it counted
-- note: a source partner's own touches count as a credited role too; roles of unknown kind do not
WITH settings AS (
    SELECT as_of, as_of_end, timezone, influence_lookback_days FROM run_settings
),

deals AS (
    SELECT
        deal.*,
        CASE WHEN deal.is_excluded
            THEN greatest(
                deal.closed_on + 1,
                CAST(((deal.closed_known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
            )
        END AS excluded_on
    FROM intermediate.int_deal AS deal
    CROSS JOIN settings
    WHERE deal.is_excluded IS NOT TRUE OR deal.outcome = 'lost'
),

revenue_roles AS (
    SELECT value AS role FROM setting_list WHERE setting = 'revenue_roles'
),

moments AS (
    SELECT
        deals.deal_id,
        exported.partner_id,
        exported.role,
        coalesce(exported.first_touch_at, deals.created_at) AS happened_at,
        exported.known_at,
        deals.excluded_on
    FROM canonical.opportunity_partner AS exported
    INNER JOIN deals ON exported.opportunity_id = deals.deal_id
    INNER JOIN intermediate.int_partner AS partner ON exported.partner_id = partner.partner_id
    WHERE NOT exported._deleted AND exported.role NOT IN ('sourced', 'influenced', 'unknown')
    UNION ALL
    SELECT
        touch.deal_id,
        touch.partner_id,
        'influenced' AS role,
        touch.touched_at AS happened_at,
        touch.known_at,
        deals.excluded_on
    FROM intermediate.int_touch AS touch
    INNER JOIN deals ON touch.deal_id = deals.deal_id
    CROSS JOIN settings
    WHERE
        touch.touch_type <> 'sourcing'
        AND touch.touched_on >= deals.created_on - settings.influence_lookback_days
        AND touch.touched_at < coalesce(deals.closed_at, settings.as_of_end)
),

stretches AS (
    SELECT
        moments.deal_id,
        moments.partner_id,
        moments.role,
        moments.excluded_on,
        greatest(
            CAST(((moments.happened_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE) + 1,
            CAST(((moments.known_at AT TIME ZONE 'UTC') AT TIME ZONE settings.timezone) AS DATE)
        ) AS seen_on,
        DATE '9999-12-31' AS unseen_on
    FROM moments
    CROSS JOIN settings
    UNION ALL
    SELECT
        claim.deal_id,
        claim.partner_id,
        'sourced' AS role,
        deals.excluded_on,
        claim.source_from_on AS seen_on,
        coalesce(claim.source_until_on, DATE '9999-12-31') AS unseen_on
    FROM intermediate.int_deal_claim AS claim
    INNER JOIN deals ON claim.deal_id = deals.deal_id
    WHERE claim.source_from_on IS NOT NULL
),

-- A stretch that two roles share counts once: of equal ones the windows below could take different ones first.
-- One row a stretch, whatever number of roles share it.
kinds AS (
    SELECT deal_id, partner_id, FALSE AS is_revenue, seen_on, least(unseen_on, excluded_on) AS unseen_on
    FROM stretches
    UNION
    SELECT deal_id, partner_id, TRUE AS is_revenue, seen_on, least(unseen_on, excluded_on) AS unseen_on
    FROM stretches
    WHERE role IN (SELECT role FROM revenue_roles)
),

-- Roles that overlap are one stretch.
ordered_kinds AS (
    SELECT
        kinds.*,
        max(kinds.unseen_on) OVER (
            PARTITION BY kinds.deal_id, kinds.partner_id, kinds.is_revenue
            ORDER BY kinds.seen_on, kinds.unseen_on
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_until_on
    FROM kinds
    CROSS JOIN settings
    WHERE kinds.seen_on <= settings.as_of + 1 AND kinds.seen_on < kinds.unseen_on
),

numbered AS (
    SELECT
        *,
        sum(CASE WHEN covered_until_on >= seen_on THEN 0 ELSE 1 END) OVER (
            PARTITION BY deal_id, partner_id, is_revenue
            ORDER BY seen_on, unseen_on
            ROWS UNBOUNDED PRECEDING
        ) AS stretch_no
    FROM ordered_kinds
),

final AS (
    SELECT
        deal_id,
        partner_id,
        is_revenue,
        min(seen_on) AS seen_on,
        nullif(max(unseen_on), DATE '9999-12-31') AS unseen_on
    FROM numbered
    GROUP BY deal_id, partner_id, is_revenue, stretch_no
)

SELECT * FROM final
