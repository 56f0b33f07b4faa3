-- int_coverage: how much of each canonical table is known to belong to a partner, all its sources together.
-- grain: canonical table
-- key: table_name
-- table_name VARCHAR: canonical table
-- share DOUBLE: the lower of the resolved shares of records and of money; null where no record refers to a partner
-- is_low BOOLEAN: below identity.coverage_min
WITH shares AS (
    SELECT
        table_name,
        coalesce(sum(records) FILTER (WHERE is_resolved), 0) / sum(records) AS record_share,
        -- Summed as decimals: a sum of doubles ends differently with the order in which threads add.
        CAST(coalesce(sum(amount_base) FILTER (WHERE is_resolved), 0) AS DOUBLE)
        / nullif(CAST(sum(amount_base) AS DOUBLE), 0) AS money_share
    FROM intermediate.int_reference_use
    WHERE ref <> ''
    GROUP BY table_name
),

final AS (
    SELECT
        shares.table_name,
        least(shares.record_share, shares.money_share) AS share,
        least(shares.record_share, shares.money_share) < s.identity_coverage_min AS is_low
    FROM shares
    CROSS JOIN run_settings AS s
)

SELECT * FROM final
