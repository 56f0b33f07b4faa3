-- int_unresolved_candidate: partners that an unresolved identifier may mean, for a person to choose from.
-- grain: identifier x partner; the three likeliest of each
-- key: ref, partner_id
-- ref VARCHAR: the identifier as facts carry it
-- partner_id VARCHAR: partner that it may mean
-- candidate_no BIGINT: 1 for the likeliest
-- score DOUBLE: likeness, 0 to 1: of the names (Jaro-Winkler, from 0.85 up), 0.95 for the same mail domain, 0.5 for a branch
--   beside one of the partner's; 0.02 more for each thing else that speaks for it
-- why VARCHAR: what speaks for it
-- note: names are compared without case, accents, punctuation and legal forms; only the 1,000 heaviest identifiers are
--   compared, so that a source that nobody has mapped yet does not hold up the night
WITH unresolved AS (
    SELECT
        *,
        regexp_replace(id_value, '/[^/]*$', '') AS branch_parent
    FROM intermediate.int_unresolved
    WHERE weight_rank <= 1000
),

names_written AS (
    SELECT ref, NULL AS partner_id, name_hint AS name FROM unresolved
    UNION ALL
    SELECT NULL AS ref, partner_id, partner_name AS name FROM intermediate.int_partner
),

words AS (
    SELECT *, regexp_replace(strip_accents(lower(name)), '[^\p{L}\p{N}]+', ' ', 'g') AS words
    FROM names_written
),

plain AS (
    SELECT
        ref,
        partner_id,
        regexp_replace(
            words,
            '\b(gmbh|ag|se|kg|ohg|inc|incorporated|llc|ltd|limited|corp|corporation|co|company|sa|sas|sarl|srl|spa|bv|nv'
            || '|ab|as|oy|plc|pty)\b| ',
            '',
            'g'
        ) AS name
    FROM words
    -- A bare key is no name.
    WHERE regexp_matches(words, '\p{L}{3}')
),

partners AS (
    SELECT partner_id, country FROM intermediate.int_partner
),

names AS (
    SELECT
        wanted.ref,
        partner.partner_id,
        jaro_winkler_similarity(wanted.name, partner.name) AS score
    FROM plain AS wanted
    INNER JOIN plain AS partner ON jaro_winkler_similarity(wanted.name, partner.name) >= 0.85
    WHERE wanted.ref IS NOT NULL AND partner.partner_id IS NOT NULL AND wanted.name <> ''
),

domains AS (
    SELECT DISTINCT unresolved.ref, identity.partner_id, unresolved.domain_hint AS domain
    FROM unresolved
    INNER JOIN canonical.partner AS owner ON unresolved.domain_hint = lower(owner.domain) AND NOT owner._deleted
    INNER JOIN intermediate.int_partner_identity AS identity ON owner.partner_id = identity.ref
),

branches AS (
    SELECT
        id_source,
        partner_id,
        regexp_replace(id_value, '/[^/]*$', '') AS branch_parent,
        min(id_value) AS branch
    FROM canonical.partner_identity
    WHERE is_current AND partner_id IS NOT NULL AND id_type = 'lms_branch' AND contains(id_value, '/')
    GROUP BY id_source, partner_id, regexp_replace(id_value, '/[^/]*$', '')
),

neighbours AS (
    SELECT unresolved.ref, branches.partner_id, branches.branch
    FROM unresolved
    INNER JOIN branches ON unresolved.id_source = branches.id_source AND unresolved.branch_parent = branches.branch_parent
    WHERE unresolved.id_type = 'lms_branch' AND contains(unresolved.id_value, '/')
),

evidence AS (
    SELECT ref, partner_id, score, 'name ' || format('{:.2f}', score) AS text, 1 AS position FROM names
    UNION ALL
    SELECT ref, partner_id, 0.95 AS score, 'domain ' || domain AS text, 2 AS position FROM domains
    UNION ALL
    SELECT ref, partner_id, 0.5 AS score, 'beside its branch ' || branch AS text, 3 AS position FROM neighbours
),

-- A country alone speaks for nobody.
supported AS (
    SELECT * FROM evidence
    UNION ALL
    SELECT DISTINCT evidence.ref, evidence.partner_id, 0 AS score, 'country ' || partners.country AS text, 4 AS position
    FROM evidence
    INNER JOIN unresolved ON evidence.ref = unresolved.ref
    INNER JOIN partners ON evidence.partner_id = partners.partner_id AND unresolved.country_hint = partners.country
),

scored AS (
    SELECT
        ref,
        partner_id,
        round(least(max(score) + 0.02 * (count(*) - 1), 0.99), 2) AS score,
        string_agg(text, ', ' ORDER BY position) AS why
    FROM supported
    GROUP BY ref, partner_id
),

final AS (
    SELECT
        scored.ref,
        scored.partner_id,
        row_number() OVER (PARTITION BY scored.ref ORDER BY scored.score DESC, scored.partner_id) AS candidate_no,
        CAST(scored.score AS DOUBLE) AS score,
        scored.why
    FROM scored
    INNER JOIN partners ON scored.partner_id = partners.partner_id
    QUALIFY candidate_no <= 3
)

SELECT * FROM final
