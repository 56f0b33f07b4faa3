-- unresolved: identifiers that a person should map, heaviest first, one line each.
-- weight_rank BIGINT: 1 for the identifier on which most hangs, money before records
-- id_source VARCHAR: source instance that uses the identifier
-- id_type VARCHAR: kind of identifier
-- id_value VARCHAR: identifier
-- reason VARCHAR: why it is not resolved, where more is known than that it is new
-- records BIGINT: records that hang on it and count for nobody
-- amount_base DECIMAL(18,4): their money in the reporting currency
-- first_on DATE: day of the first of them
-- last_on DATE: day of the last of them
-- tables VARCHAR: canonical tables of the records
-- candidates VARCHAR: partners that it may mean, the likeliest first: id, name, score and what speaks for it
-- param: limit: how many identifiers; 0 for all
WITH identifiers AS (
    SELECT
        weight_rank,
        min(id_source) AS id_source,
        min(id_type) AS id_type,
        min(id_value) AS id_value,
        min(reason) AS reason,
        min(records) AS records,
        min(amount_base) AS amount_base,
        min(first_on) AS first_on,
        min(last_on) AS last_on,
        min(tables) AS tables,
        string_agg(
            candidate_partner_id || ' ' || candidate_name || ' (' || format('{:.2f}', score) || ': ' || why || ')',
            '; '
            ORDER BY candidate_no
        ) AS candidates
    FROM unresolved_reference
    GROUP BY weight_rank
),

final AS (
    SELECT * FROM identifiers
    WHERE CAST($1 AS BIGINT) = 0 OR weight_rank <= CAST($1 AS BIGINT)
)

SELECT * FROM final
ORDER BY weight_rank
