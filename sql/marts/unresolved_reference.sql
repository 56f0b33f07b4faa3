-- unresolved_reference: identifiers that nobody could be found for, heaviest first, with partners that they may mean.
-- grain: identifier x candidate
-- key: ref, candidate_no
-- weight_rank BIGINT: 1 for the identifier on which most hangs, money before records
-- ref VARCHAR: the identifier as facts carry it: <source>:<id_type>:<value>
-- id_source VARCHAR: source instance that uses it
-- id_type VARCHAR: kind of identifier
-- id_value VARCHAR: identifier
-- reason VARCHAR: why it is not resolved, where more is known than that it is new
-- tables VARCHAR: canonical tables whose records hang on it, separated by commas
-- records BIGINT: records that hang on it and count for nobody
-- amount_base DECIMAL(18,4): their money in the reporting currency; null where they have none
-- first_on DATE: day of the first of them
-- last_on DATE: day of the last of them
-- candidate_no BIGINT: 1 for the likeliest partner; 0 where none is likely
-- candidate_partner_id VARCHAR: partner that it may mean
-- candidate_name VARCHAR: name of that partner
-- score DOUBLE: likeness, 0 to 1, for sorting; it is no probability
-- why VARCHAR: what speaks for the candidate
-- note: candidates are offered to a person and never used; a declared row in partner_identity decides, and
--   `partnerhealth unresolved --write` writes the sheet for it
WITH final AS (
    SELECT
        unresolved.weight_rank,
        unresolved.ref,
        unresolved.id_source,
        unresolved.id_type,
        unresolved.id_value,
        unresolved.reason,
        unresolved.tables,
        unresolved.records,
        unresolved.amount_base,
        unresolved.first_on,
        unresolved.last_on,
        coalesce(candidate.candidate_no, 0) AS candidate_no,
        candidate.partner_id AS candidate_partner_id,
        partner.partner_name AS candidate_name,
        candidate.score,
        candidate.why
    FROM intermediate.int_unresolved AS unresolved
    LEFT JOIN intermediate.int_unresolved_candidate AS candidate ON unresolved.ref = candidate.ref
    LEFT JOIN intermediate.int_partner AS partner ON candidate.partner_id = partner.partner_id
)

SELECT * FROM final
