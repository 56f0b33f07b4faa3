-- partner_reference_part: which partner each part of each reference means, by what is known of identifiers.
-- grain: reference text of any fact, person or partner record x part
-- key: ref, part_no
-- ref VARCHAR: reference as exported: identifiers <source>:<id_type>:<value>, one a line, in order of preference
-- part_no BIGINT: place of the part in the reference, from 1
-- part VARCHAR: the identifier
-- id_source VARCHAR: source instance that uses it
-- id_type VARCHAR: kind of identifier
-- id_value VARCHAR: identifier without source and kind
-- partner_id VARCHAR: surviving partner that it means at the as-of date; null where no rule gives exactly one
-- method VARCHAR: rule that gave the answer: declared, manual, exact_key, merge_alias, parent (nearest mapped ancestor of a
--   branch) or domain; null where none did
-- confidence DOUBLE: 1 for certain
-- is_answer BOOLEAN: this part decides the reference, as far as identifiers alone do; one part a reference at most
-- note VARCHAR: why there is no answer, where more is known than that the identifier is new
-- note: order of rules: the identifier itself, the identifier declared for every source, the same key at the only source
--   that has such keys, the nearest mapped ancestor of a branch path
-- note: parts of one kind are one rule: where they mean several partners, none of them decides
-- note: persons are identifiers whose partner changes with time; person_partner and partner_reference resolve them
-- note: events come by way of rollup.partner_day, which has their references without the events
WITH written AS (
    SELECT partner_id AS ref FROM lake.partner
    UNION
    SELECT parent_partner_id AS ref FROM lake.partner
    UNION
    SELECT merged_into_partner_id AS ref FROM lake.partner
    UNION
    SELECT partner_id AS ref FROM lake.partner_history
    UNION
    SELECT value AS ref FROM lake.partner_history WHERE attribute = 'parent'
    UNION
    SELECT partner_id AS ref FROM lake.agreement
    UNION
    SELECT partner_id AS ref FROM lake.partner_application
    UNION
    SELECT partner_id AS ref FROM lake.onboarding_task
    UNION
    SELECT source_partner_id AS ref FROM lake.opportunity
    UNION
    SELECT partner_id AS ref FROM lake.opportunity_partner
    UNION
    SELECT partner_id AS ref FROM lake.deal_registration
    UNION
    SELECT partner_id AS ref FROM lake.learning_record
    UNION
    SELECT partner_id AS ref FROM lake.learning_statement
    UNION
    SELECT partner_id AS ref FROM lake.certification
    UNION
    SELECT partner_id AS ref FROM lake.activity
    UNION
    SELECT partner_id AS ref FROM lake.support_case
    UNION
    SELECT partner_id AS ref FROM lake.survey_response
    UNION
    SELECT partner_id AS ref FROM lake.integration_usage
    UNION
    SELECT partner_id AS ref FROM lake.fund_flow
    UNION
    SELECT partner_id AS ref FROM lake.ledger_entry
    UNION
    SELECT partner_id AS ref FROM lake.subscription_change
    UNION
    SELECT scope_key AS ref FROM lake.target WHERE scope_kind = 'partner'
    UNION
    SELECT partner_ref AS ref FROM rollup.partner_day
    UNION
    SELECT partner_id AS ref FROM lake.person
    UNION
    SELECT _source || ':email_domain:' || lower(email_domain) AS ref FROM lake.person
),

split AS (
    SELECT
        ref,
        unnest(string_split(ref, chr(10))) AS part,
        unnest(range(1, length(string_split(ref, chr(10))) + 1)) AS part_no
    FROM written
    WHERE ref <> ''
),

parts AS (
    SELECT DISTINCT
        part,
        split_part(part, ':', 1) AS id_source,
        split_part(part, ':', 2) AS id_type,
        substr(part, length(split_part(part, ':', 1)) + length(split_part(part, ':', 2)) + 3) AS id_value
    FROM split
),

-- How the part would be written by whoever declared it.
spellings AS (
    SELECT
        *,
        CASE WHEN id_type = 'email_domain' THEN lower(id_value) ELSE id_value END AS id_text
    FROM parts
),

known AS (
    SELECT
        ref,
        id_source,
        id_type,
        substr(ref, length(id_source) + length(id_type) + 3) AS id_value,
        partner_id,
        method,
        confidence,
        CASE
            WHEN partner_id IS NULL AND method IN ('declared', 'manual') THEN coalesce(note, 'declared as nobody who is known')
            ELSE note
        END AS note
    FROM canonical.partner_identity
    WHERE is_current
),

exact AS (
    SELECT spellings.part, known.partner_id, known.method, known.confidence, known.note, 1 AS rule_no
    FROM spellings
    INNER JOIN known ON spellings.id_source || ':' || spellings.id_type || ':' || spellings.id_text = known.ref
),

everywhere AS (
    SELECT spellings.part, known.partner_id, known.method, known.confidence, known.note, 2 AS rule_no
    FROM spellings
    INNER JOIN known ON '*:' || spellings.id_type || ':' || spellings.id_text = known.ref
),

-- The only source that has partner records of a kind.
homes AS (
    SELECT split_part(partner_id, ':', 2) AS id_type, min(split_part(partner_id, ':', 1)) AS id_source
    FROM lake.partner
    GROUP BY split_part(partner_id, ':', 2)
    HAVING count(DISTINCT split_part(partner_id, ':', 1)) = 1
),

at_home AS (
    SELECT spellings.part, known.partner_id, known.method, known.confidence, known.note, 3 AS rule_no
    FROM spellings
    INNER JOIN homes ON spellings.id_type = homes.id_type AND spellings.id_source <> homes.id_source
    INNER JOIN known ON homes.id_source || ':' || spellings.id_type || ':' || spellings.id_text = known.ref
),

mapped_branches AS (
    SELECT id_source, id_value, partner_id, confidence, string_split(id_value, '/') AS levels
    FROM known
    WHERE id_type = 'lms_branch'
),

branch_levels AS (
    SELECT id_source, partner_id, levels, unnest(range(1, length(levels) + 1)) AS depth
    FROM mapped_branches
),

-- A branch under which several partners are mapped is a region: what lies in it is nobody's in particular.
regions AS (
    SELECT id_source, array_to_string(levels[1:depth], '/') AS branch, count(DISTINCT partner_id) AS partners
    FROM branch_levels
    GROUP BY id_source, array_to_string(levels[1:depth], '/')
),

branch_parts AS (
    SELECT part, id_source, string_split(id_value, '/') AS levels
    FROM spellings
    WHERE id_type = 'lms_branch' AND contains(id_value, '/')
),

branch_ancestors AS (
    SELECT part, id_source, levels, unnest(range(1, length(levels))) AS depth
    FROM branch_parts
),

nearest_ancestors AS (
    SELECT
        ancestor.part,
        CASE WHEN regions.partners = 1 THEN mapped.partner_id END AS partner_id,
        'parent' AS method,
        0.8 * mapped.confidence AS confidence,
        CASE
            WHEN regions.partners > 1 THEN 'branch ' || regions.branch || ' holds ' || regions.partners || ' partners'
        END AS note,
        4 AS rule_no
    FROM branch_ancestors AS ancestor
    INNER JOIN mapped_branches AS mapped
        ON ancestor.id_source = mapped.id_source AND array_to_string(ancestor.levels[1:ancestor.depth], '/') = mapped.id_value
    INNER JOIN regions ON mapped.id_source = regions.id_source AND mapped.id_value = regions.branch
    QUALIFY row_number() OVER (PARTITION BY ancestor.part ORDER BY ancestor.depth DESC) = 1
),

shared AS (
    SELECT
        spellings.part,
        NULL AS partner_id,
        NULL AS method,
        NULL AS confidence,
        CASE shared_domain.kind WHEN 'vendor' THEN 'our own domain' ELSE 'domain of a mail provider' END AS note,
        5 AS rule_no
    FROM spellings
    INNER JOIN canonical.shared_domain AS shared_domain ON spellings.id_text = shared_domain.domain
    WHERE spellings.id_type = 'email_domain'
),

-- What a person declared; else the first rule that answers; where none does, the first that says why.
answers AS (
    SELECT *
    FROM (
        SELECT * FROM exact
        UNION ALL
        SELECT * FROM everywhere
        UNION ALL
        SELECT * FROM at_home
        UNION ALL
        SELECT * FROM nearest_ancestors
        UNION ALL
        SELECT * FROM shared
    )
    QUALIFY row_number() OVER (
        PARTITION BY part
        ORDER BY
            coalesce(rule_no = 1 AND method IN ('declared', 'manual'), FALSE) DESC,
            partner_id IS NULL,
            partner_id IS NULL AND note IS NULL,
            rule_no
    ) = 1
),

resolved AS (
    SELECT
        split.ref,
        split.part_no,
        split.part,
        parts.id_source,
        parts.id_type,
        parts.id_value,
        answers.partner_id,
        CASE WHEN answers.partner_id IS NOT NULL THEN answers.method END AS method,
        CASE WHEN answers.partner_id IS NOT NULL THEN CAST(answers.confidence AS DOUBLE) END AS confidence,
        CASE WHEN answers.partner_id IS NULL THEN answers.note END AS note,
        coalesce(answers.method = 'parent', FALSE) AS is_inherited,
        min(split.part_no) OVER (PARTITION BY split.ref, parts.id_type) AS kind_no
    FROM split
    INNER JOIN parts ON split.part = parts.part
    LEFT JOIN answers ON split.part = answers.part
),

agreed AS (
    SELECT ref, kind_no, is_inherited, min(part_no) AS part_no
    FROM resolved
    WHERE partner_id IS NOT NULL
    GROUP BY ref, kind_no, is_inherited
    HAVING count(DISTINCT partner_id) = 1
),

deciding AS (
    SELECT ref, part_no
    FROM agreed
    QUALIFY row_number() OVER (PARTITION BY ref ORDER BY kind_no, is_inherited) = 1
),

final AS (
    SELECT
        resolved.ref,
        resolved.part_no,
        resolved.part,
        resolved.id_source,
        resolved.id_type,
        resolved.id_value,
        resolved.partner_id,
        resolved.method,
        resolved.confidence,
        deciding.ref IS NOT NULL AS is_answer,
        resolved.note
    FROM resolved
    LEFT JOIN deciding ON resolved.ref = deciding.ref AND resolved.part_no = deciding.part_no
)

SELECT * FROM final
