-- int_deal_claim: who says to have brought a deal, and which claim is honoured.
-- grain: deal x claim
-- key: deal_id, claim_id
-- deal_id VARCHAR: native key of the deal
-- claim_id VARCHAR: the registration, or the deal and partner whose source field or role makes the claim
-- partner_id VARCHAR: partner that claims
-- rule VARCHAR: registration, crm_field or crm_role; with the suffix _undated where the source does not say when the
--   field was set
-- claimed_at TIMESTAMP: submission of the registration, or when the field was set (creation of the deal where undated)
-- is_timely BOOLEAN: made no later than sourced.set_within_days after the deal's creation; later claims are ignored
-- is_source BOOLEAN: the honoured claim; at most one a deal
-- known_at TIMESTAMP: when it could be known: made, approved and received
-- source_from_on DATE: first snapshot at which it was the honoured one of the claims known then; null for never
-- source_until_on DATE: first snapshot at which a better one was; null while none is
-- note: M18. An approved registration goes before the source partner set in the CRM, which goes before a partner role
--   called sourced; among approved registrations the first submitted wins, so that our own slowness does not decide
-- note: a registration filed later than that cannot have created the deal; leads are not loaded yet, their place is
--   between registration and field
WITH deals AS (
    SELECT
        deal.*,
        CAST(((deal.created_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) + s.sourced_set_within_days AS claim_until
    FROM canonical.opportunity AS deal
    CROSS JOIN run_settings AS s
    WHERE NOT deal._deleted AND deal.created_at < s.as_of_end
),

registrations AS (
    SELECT
        registration.deal_reg_id,
        registration.partner_id,
        registration.opportunity_id,
        registration.submitted_at,
        coalesce(registration.decided_at, registration.converted_at, registration.submitted_at) AS approved_at,
        registration.known_at
    FROM canonical.deal_registration AS registration
    CROSS JOIN run_settings AS s
    WHERE
        NOT registration._deleted
        AND (
            registration.status IN ('approved', 'converted')
            OR (registration.status = 'expired' AND registration.converted_at IS NOT NULL)
        )
        AND registration.submitted_at < s.as_of_end
        AND coalesce(registration.decided_at, registration.converted_at, registration.submitted_at) < s.as_of_end
),

registration_links AS (
    SELECT deal_reg_id, opportunity_id FROM registrations WHERE opportunity_id IS NOT NULL
    UNION
    SELECT deal_reg_id, opportunity_id FROM deals WHERE deal_reg_id IS NOT NULL
),

claims AS (
    SELECT
        deals.opportunity_id AS deal_id,
        registrations.deal_reg_id AS claim_id,
        registrations.partner_id,
        'registration' AS rule,
        registrations.submitted_at AS claimed_at,
        registrations.approved_at,
        greatest(registrations.submitted_at, registrations.approved_at) AS made_at,
        greatest(registrations.known_at, deals.known_at) AS received_at,
        1 AS precedence
    FROM deals
    INNER JOIN registration_links ON deals.opportunity_id = registration_links.opportunity_id
    INNER JOIN registrations ON registration_links.deal_reg_id = registrations.deal_reg_id
    UNION ALL
    SELECT
        opportunity_id AS deal_id,
        opportunity_id || '|source_partner' AS claim_id,
        source_partner_id AS partner_id,
        CASE WHEN source_partner_set_at IS NULL THEN 'crm_field_undated' ELSE 'crm_field' END AS rule,
        coalesce(source_partner_set_at, created_at) AS claimed_at,
        NULL AS approved_at,
        coalesce(source_partner_set_at, created_at) AS made_at,
        known_at AS received_at,
        2 AS precedence
    FROM deals
    UNION ALL
    SELECT
        deals.opportunity_id AS deal_id,
        deals.opportunity_id || '|' || claim.partner_ref || '|sourced' AS claim_id,
        claim.partner_id,
        CASE WHEN claim.first_touch_at IS NULL THEN 'crm_role_undated' ELSE 'crm_role' END AS rule,
        coalesce(claim.first_touch_at, deals.created_at) AS claimed_at,
        NULL AS approved_at,
        coalesce(claim.first_touch_at, deals.created_at) AS made_at,
        greatest(claim.known_at, deals.known_at) AS received_at,
        3 AS precedence
    FROM deals
    INNER JOIN canonical.opportunity_partner AS claim ON deals.opportunity_id = claim.opportunity_id
    WHERE claim.role = 'sourced' AND NOT claim._deleted
),

judged AS (
    SELECT
        claims.*,
        CAST(((claims.claimed_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) <= deals.claim_until AS is_timely,
        -- A snapshot holds what was dated before its day and received by the end of it.
        greatest(
            CAST(((claims.made_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE) + 1,
            CAST(((claims.received_at AT TIME ZONE 'UTC') AT TIME ZONE s.timezone) AS DATE)
        ) AS seen_on
    FROM claims
    INNER JOIN deals ON claims.deal_id = deals.opportunity_id
    INNER JOIN intermediate.int_partner AS partner ON claims.partner_id = partner.partner_id
    CROSS JOIN run_settings AS s
    WHERE claims.claimed_at < s.as_of_end
),

ranked AS (
    SELECT
        *,
        row_number() OVER preference AS place,
        min(seen_on) OVER (
            preference ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS better_seen_on
    FROM judged
    WINDOW preference AS (
        PARTITION BY deal_id
        ORDER BY is_timely DESC, precedence, claimed_at, approved_at, partner_id, claim_id
    )
),

final AS (
    SELECT
        deal_id,
        claim_id,
        partner_id,
        rule,
        claimed_at,
        is_timely,
        is_timely AND place = 1 AS is_source,
        greatest(made_at, received_at) AS known_at,
        CASE WHEN is_timely AND coalesce(seen_on < better_seen_on, TRUE) THEN seen_on END AS source_from_on,
        CASE WHEN is_timely AND seen_on < better_seen_on THEN better_seen_on END AS source_until_on
    FROM ranked
)

SELECT * FROM final
