-- int_deal_scope: the scopes in which each deal counts, and as what.
-- grain: scope x deal with a partner
-- key: scope_kind, scope_id, deal_id
-- scope_kind VARCHAR: program, segment, tier, region, owner, partner or partner_family
-- scope_id VARCHAR: the scope
-- deal_id VARCHAR: native key of the deal
-- is_sourced BOOLEAN: sourced by a partner of the scope
-- is_influenced BOOLEAN: influenced by a partner of the scope
-- is_revenue BOOLEAN: a partner of the scope has a revenue role
-- note: several partners of a scope on one deal are one row, so that totals count each deal once (G6)
-- note: an owner is the manager of the partner; who manages no partner but owns deals of partners is the owner of
--   those deals
WITH roles AS (
    SELECT role.*, deal.owner_key
    FROM intermediate.int_deal_partner AS role
    INNER JOIN intermediate.int_deal AS deal ON role.deal_id = deal.deal_id
    WHERE NOT deal.is_excluded
),

scoped AS (
    SELECT scope.scope_kind, scope.scope_id, roles.deal_id, roles.role, roles.is_revenue_role
    FROM roles
    INNER JOIN intermediate.int_partner_scope AS scope ON roles.partner_id = scope.partner_id
    UNION ALL
    SELECT 'owner' AS scope_kind, roles.owner_key AS scope_id, roles.deal_id, roles.role, roles.is_revenue_role
    FROM roles
    WHERE
        roles.owner_key IS NOT NULL
        AND roles.owner_key NOT IN (SELECT scope_id FROM intermediate.int_partner_scope WHERE scope_kind = 'owner')
),

final AS (
    SELECT
        scope_kind,
        scope_id,
        deal_id,
        bool_or(role = 'sourced') AS is_sourced,
        bool_or(role = 'influenced') AS is_influenced,
        bool_or(is_revenue_role) AS is_revenue
    FROM scoped
    GROUP BY scope_kind, scope_id, deal_id
)

SELECT * FROM final
