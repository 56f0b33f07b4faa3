-- int_affinity_pair: how often two product families are in the same basket, for co-sell affinity (M24).
-- grain: window x pair of product families, item_a before item_b
-- key: basket_window, item_a, item_b
-- basket_window VARCHAR: trailing_24m (deals won in the 24 months up to the as-of date) or all_time
-- item_a VARCHAR: product family
-- item_b VARCHAR: other product family
-- n_ab BIGINT: baskets with both
-- n_a BIGINT: baskets with item_a
-- n_b BIGINT: baskets with item_b
-- n_baskets BIGINT: all baskets
-- note: a basket is a customer with all it bought in the window; a deal without a customer is a basket of its own
-- note: families in fewer than 5 baskets cannot be reported and are left out; of the others the 300 most frequent are
--   paired
WITH windows AS (
    SELECT 'trailing_24m' AS basket_window, CAST(as_of - INTERVAL '24' MONTH AS DATE) AS after_on FROM run_settings
    UNION ALL
    SELECT 'all_time' AS basket_window, DATE '0001-01-01' AS after_on
),

baskets AS (
    SELECT DISTINCT
        windows.basket_window,
        coalesce(deal.customer_key, deal.deal_id) AS basket,
        item.item
    FROM intermediate.int_deal_item AS item
    INNER JOIN intermediate.int_deal AS deal ON item.deal_id = deal.deal_id
    INNER JOIN windows ON deal.closed_on > windows.after_on
),

totals AS (
    SELECT basket_window, count(DISTINCT basket) AS n_baskets
    FROM baskets
    GROUP BY basket_window
),

items AS (
    SELECT basket_window, item, count(*) AS n
    FROM baskets
    GROUP BY basket_window, item
    HAVING count(*) >= 5
    QUALIFY row_number() OVER (PARTITION BY basket_window ORDER BY count(*) DESC, item) <= 300
),

pairs AS (
    SELECT a.basket_window, a.item AS item_a, b.item AS item_b, count(*) AS n_ab
    FROM baskets AS a
    INNER JOIN baskets AS b ON a.basket_window = b.basket_window AND a.basket = b.basket AND a.item < b.item
    SEMI JOIN items AS kept_a ON a.basket_window = kept_a.basket_window AND a.item = kept_a.item
    SEMI JOIN items AS kept_b ON b.basket_window = kept_b.basket_window AND b.item = kept_b.item
    GROUP BY a.basket_window, a.item, b.item
),

final AS (
    SELECT
        pairs.basket_window,
        pairs.item_a,
        pairs.item_b,
        pairs.n_ab,
        items_a.n AS n_a,
        items_b.n AS n_b,
        totals.n_baskets
    FROM pairs
    INNER JOIN items AS items_a ON pairs.basket_window = items_a.basket_window AND pairs.item_a = items_a.item
    INNER JOIN items AS items_b ON pairs.basket_window = items_b.basket_window AND pairs.item_b = items_b.item
    INNER JOIN totals ON pairs.basket_window = totals.basket_window
)

SELECT * FROM final
