-- int_deal_item: which product families were sold in each won deal.
-- grain: won deal x product family
-- key: deal_id, item
-- deal_id VARCHAR: native key of the deal
-- item VARCHAR: product family of the line; by the code map of its source where the line has none, else the product
-- note: two code maps of the line's source give the family: domain product_family from product code to family, domain
--   product_subcategory from the family's code to its name; a product master file fills them
WITH lines AS (
    SELECT opportunity_id AS deal_id, product_code, product_name, product_family, _source AS source
    FROM canonical.opportunity_line
    WHERE NOT _deleted AND coalesce(quantity, 1) > 0
),

families AS (
    SELECT source, raw_value, canonical AS family
    FROM canonical.code_map
    WHERE NOT _deleted AND domain = 'product_family'
),

family_names AS (
    SELECT source, raw_value, canonical AS family_name
    FROM canonical.code_map
    WHERE NOT _deleted AND domain = 'product_subcategory'
),

named AS (
    SELECT
        lines.deal_id,
        lines.source,
        coalesce(lines.product_family, families.family) AS family,
        coalesce(lines.product_name, lines.product_code) AS product
    FROM lines
    INNER JOIN intermediate.int_deal AS deal ON lines.deal_id = deal.deal_id
    LEFT JOIN families ON lines.source = families.source AND lines.product_code = families.raw_value
    WHERE deal.outcome = 'won' AND NOT deal.is_excluded
),

final AS (
    SELECT DISTINCT
        named.deal_id,
        coalesce(family_names.family_name, named.family, named.product) AS item
    FROM named
    LEFT JOIN family_names ON named.source = family_names.source AND named.family = family_names.raw_value
)

SELECT * FROM final
