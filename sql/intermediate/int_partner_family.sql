-- int_partner_family: every partner with itself and the partners above it.
-- grain: partner x ancestor
-- key: partner_id, ancestor_id
-- partner_id VARCHAR: partner
-- ancestor_id VARCHAR: the partner itself, its parent, its parent's parent and so on
-- distance INTEGER: steps up the tree, 0 for the partner itself
-- is_top BOOLEAN: the head of the family; one row a partner
-- note: the tree as it stands at the as-of date; a circle of parents ends after 16 steps and is headed by its smallest key
WITH RECURSIVE walk AS (
    SELECT partner_id, partner_id AS ancestor_id, 0 AS distance FROM intermediate.int_partner
    UNION ALL
    SELECT walk.partner_id, above.parent_partner_id AS ancestor_id, walk.distance + 1 AS distance
    FROM walk
    INNER JOIN intermediate.int_partner AS above ON walk.ancestor_id = above.partner_id
    WHERE above.parent_partner_id IS NOT NULL AND walk.distance < 16
),

ancestors AS (
    SELECT partner_id, ancestor_id, min(distance) AS distance
    FROM walk
    GROUP BY partner_id, ancestor_id
),

final AS (
    SELECT
        ancestors.partner_id,
        ancestors.ancestor_id,
        ancestors.distance,
        row_number() OVER (
            PARTITION BY ancestors.partner_id
            ORDER BY above.parent_partner_id IS NOT NULL, ancestors.ancestor_id
        ) = 1 AS is_top
    FROM ancestors
    INNER JOIN intermediate.int_partner AS above ON ancestors.ancestor_id = above.partner_id
)

SELECT * FROM final
