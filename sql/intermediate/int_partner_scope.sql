-- int_partner_scope: the scopes in which each partner counts.
-- grain: partner x scope
-- key: partner_id, scope_kind, scope_id
-- partner_id VARCHAR: partner
-- scope_kind VARCHAR: program, segment, tier, region, owner, partner, or partner_family
-- scope_id VARCHAR: the programme's name, the segment, tier code, region, owner key or partner
-- note: partner_family is a partner with everyone below it, and only there where someone is below; a partner without
--   children is its own family and has scope partner alone
-- note: structure as at the as-of date: history is told in today's segments, tiers, regions, owners and tree
WITH partners AS (
    SELECT * FROM intermediate.int_partner
),

families AS (
    SELECT partner_id, ancestor_id, count(*) OVER (PARTITION BY ancestor_id) AS members
    FROM intermediate.int_partner_family
),

final AS (
    SELECT partners.partner_id, 'program' AS scope_kind, s.program_name AS scope_id
    FROM partners
    CROSS JOIN run_settings AS s
    UNION ALL
    SELECT partner_id, 'segment' AS scope_kind, segment AS scope_id FROM partners WHERE segment IS NOT NULL
    UNION ALL
    SELECT partner_id, 'tier' AS scope_kind, tier_code AS scope_id FROM partners WHERE tier_code IS NOT NULL
    UNION ALL
    SELECT partner_id, 'region' AS scope_kind, region AS scope_id FROM partners WHERE region IS NOT NULL
    UNION ALL
    SELECT partner_id, 'owner' AS scope_kind, owner_key AS scope_id FROM partners WHERE owner_key IS NOT NULL
    UNION ALL
    SELECT partner_id, 'partner' AS scope_kind, partner_id AS scope_id FROM partners
    UNION ALL
    SELECT partner_id, 'partner_family' AS scope_kind, ancestor_id AS scope_id FROM families WHERE members > 1
)

SELECT * FROM final
