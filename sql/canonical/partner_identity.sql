-- partner_identity: which partner every known identifier means: declared rows, identifiers that exports state, the
--   partners' own records and their domains.
-- grain: one external identifier of a partner, in one interval, by one way of knowing
-- key: ref, valid_from, method
-- ref VARCHAR: the identifier as facts carry it: <source>:<id_type>:<value>
-- id_source VARCHAR: source instance that uses the identifier; * for every one
-- id_type VARCHAR
-- id_value VARCHAR
-- partner_id VARCHAR: partner that it means at the as-of date, merges followed to the survivor; null where unresolved
-- partner_ref VARCHAR: partner that it names, as exported, before merges are followed
-- method VARCHAR: how it is known: declared or manual (a person said so), exact_key (a record's own key, or a key that
--   an export states), merge_alias, domain
-- confidence DOUBLE
-- valid_from TIMESTAMP
-- valid_to TIMESTAMP
-- is_primary BOOLEAN
-- note VARCHAR: remark of the person who declared it, or why it is unresolved
-- is_current BOOLEAN: the row that resolves the reference at the as-of date; one row a reference
-- known_at TIMESTAMP: when we knew of it: receipt, or 1970 where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, resolves nothing
-- note: what the references of facts mean by these identifiers is told by partner_reference
-- note: a partner record's native key is itself a reference, so a mapping names its key object as the id_type that
--   other exports use, for example crm_account
-- note: order of rules: row declared by a person and valid at the as-of date, identifier that an export states, the
--   partner's own record (merges followed), domain owned by one partner; a domain of two partners stays unresolved,
--   names are never matched
-- note: a key of another source may be written with the wrong source in front: one whose source has no partner records
--   of that kind means the only source that has
-- note: a circle of merges ends at its smallest key, so that no fact is lost; check partner_merge_circle lists it
WITH RECURSIVE named AS (
    SELECT
        * EXCLUDE (id_source),
        -- A mapping that ships with the program cannot know the source's configured name.
        CASE WHEN id_source = '.' THEN _source ELSE id_source END AS id_source,
        CASE WHEN id_type = 'email_domain' THEN lower(id_value) ELSE id_value END AS id_text
    FROM lake.partner_identity
),

stated_versions AS (
    SELECT
        *,
        -- As keys are written: a bar joins the parts of a key, so one within a part is escaped.
        id_source || ':' || id_type || ':' || replace(replace(id_text, '\', '\\'), '|', '\|') AS ref,
        _deleted AND method IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND method IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM named
    WINDOW record AS (PARTITION BY id_source, id_type, id_value, valid_from)
),

stated AS (
    SELECT
        *,
        CASE WHEN method IN ('declared', 'manual') THEN 1 ELSE 2 END AS precedence,
        -- Files received within half a day of the first export belong to it.
        CASE
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR THEN TIMESTAMP '1970-01-01'
            ELSE first_seen_at
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM stated_versions
    QUALIFY row_number() OVER (
        PARTITION BY id_source, id_type, id_value, valid_from
        ORDER BY
            is_absence,
            coalesce(_loaded_at > absent_at, TRUE) DESC,
            _loaded_at DESC,
            _file DESC,
            _row DESC,
            _preset DESC,
            _row_hash DESC
    ) = 1
),

partner_versions AS (
    SELECT
        *,
        _deleted AND name IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND name IS NULL) OVER partner_record AS absent_at,
        min(_loaded_at) OVER partner_record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.partner
    WINDOW partner_record AS (PARTITION BY partner_id)
),

records AS (
    SELECT
        *,
        CASE
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR THEN TIMESTAMP '1970-01-01'
            ELSE first_seen_at
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM partner_versions
    QUALIFY row_number() OVER (
        PARTITION BY partner_id
        ORDER BY
            is_absence,
            coalesce(_loaded_at > absent_at, TRUE) DESC,
            source_modified_at DESC NULLS LAST,
            _loaded_at DESC,
            _file DESC,
            _row DESC,
            _preset DESC,
            _row_hash DESC
    ) = 1
),

stated_now AS (
    SELECT stated.ref, stated.id_value, stated.partner_id AS next_ref, stated.valid_from
    FROM stated
    CROSS JOIN run_settings AS s
    WHERE
        NOT stated.is_deleted
        AND stated.valid_from < s.as_of_end
        AND (stated.valid_to IS NULL OR stated.valid_to >= s.as_of_end)
    -- A mail domain may be written in two ways from one day on: the row that came last counts.
    QUALIFY row_number() OVER (
        PARTITION BY stated.ref
        ORDER BY
            stated.precedence,
            stated.valid_from DESC,
            stated._loaded_at DESC,
            stated._file DESC,
            stated._row DESC,
            stated._row_hash DESC,
            stated.id_value
    ) = 1
),

-- The only source that has partner records of a kind.
homes AS (
    SELECT split_part(partner_id, ':', 2) AS id_type, min(split_part(partner_id, ':', 1)) AS id_source
    FROM records
    GROUP BY split_part(partner_id, ':', 2)
    HAVING count(DISTINCT split_part(partner_id, ':', 1)) = 1
),

starts AS (
    SELECT ref FROM stated_now
    UNION
    SELECT partner_id AS ref FROM records
),

-- Where each reference points next: as stated, else to the survivor that the record names.
pointers AS (
    SELECT ref, next_ref FROM stated_now WHERE next_ref <> ref
    UNION ALL
    SELECT partner_id AS ref, merged_into_partner_id AS next_ref
    FROM records
    WHERE
        merged_into_partner_id <> partner_id
        AND partner_id NOT IN (SELECT ref FROM stated_now)
),

links AS (
    SELECT
        pointers.ref,
        CASE
            WHEN known.ref IS NULL AND homes.id_source IS NOT NULL
                THEN homes.id_source || substr(pointers.next_ref, instr(pointers.next_ref, ':'))
            ELSE pointers.next_ref
        END AS next_ref
    FROM pointers
    LEFT JOIN starts AS known ON pointers.next_ref = known.ref
    LEFT JOIN homes ON split_part(pointers.next_ref, ':', 2) = homes.id_type
),

-- Chains are followed for 64 steps: one that is still going after 32 runs in a circle.
walk AS (
    SELECT ref AS start_ref, ref AS at_ref, 0 AS step FROM starts
    UNION ALL
    SELECT walk.start_ref, links.next_ref AS at_ref, walk.step + 1 AS step
    FROM walk
    INNER JOIN links ON walk.at_ref = links.ref
    WHERE walk.step < 64
),

survivors AS (
    SELECT
        walk.start_ref AS ref,
        coalesce(
            max(records.partner_id) FILTER (WHERE links.ref IS NULL),
            min(records.partner_id) FILTER (WHERE walk.step > 32)
        ) AS partner_id
    FROM walk
    LEFT JOIN links ON walk.at_ref = links.ref
    LEFT JOIN records ON walk.at_ref = records.partner_id
    GROUP BY walk.start_ref
),

domains AS (
    SELECT
        lower(records.domain) AS domain,
        count(DISTINCT survivors.partner_id) AS owners,
        min(survivors.partner_id) AS partner_id,
        min(records.known_at) AS known_at
    FROM records
    INNER JOIN survivors ON records.partner_id = survivors.ref
    WHERE
        records.domain IS NOT NULL
        AND NOT records.is_deleted
        AND lower(records.domain) NOT IN (SELECT domain FROM canonical.shared_domain)
    GROUP BY lower(records.domain)
),

identifiers AS (
    SELECT
        stated.ref,
        stated.id_source,
        stated.id_type,
        stated.id_text AS id_value,
        -- Where it points at the as-of date, or pointed.
        coalesce(survivors.partner_id, home_survivors.partner_id) AS partner_id,
        stated.partner_id AS partner_ref,
        stated.method,
        coalesce(stated.confidence, 1) AS confidence,
        stated.valid_from,
        stated.valid_to,
        stated.is_primary,
        stated.note,
        stated.known_at,
        stated._source,
        stated._file,
        stated._file_sha256,
        stated._row,
        stated._loaded_at,
        stated._extra,
        stated.is_deleted AS _deleted,
        CASE WHEN stated_now.ref IS NULL THEN 9 ELSE 1 END AS precedence
    FROM stated
    LEFT JOIN stated_now
        ON
            stated.ref = stated_now.ref
            AND stated.id_value = stated_now.id_value
            AND stated.valid_from = stated_now.valid_from
            AND NOT stated.is_deleted
    LEFT JOIN survivors ON stated.partner_id = survivors.ref
    LEFT JOIN homes ON split_part(stated.partner_id, ':', 2) = homes.id_type
    LEFT JOIN survivors AS home_survivors
        ON survivors.ref IS NULL AND homes.id_source || substr(stated.partner_id, instr(stated.partner_id, ':')) = home_survivors.ref
    UNION ALL
    SELECT
        records.partner_id AS ref,
        split_part(records.partner_id, ':', 1) AS id_source,
        split_part(records.partner_id, ':', 2) AS id_type,
        substr(
            records.partner_id,
            length(split_part(records.partner_id, ':', 1)) + length(split_part(records.partner_id, ':', 2)) + 3
        ) AS id_value,
        survivors.partner_id,
        coalesce(records.merged_into_partner_id, records.partner_id) AS partner_ref,
        CASE WHEN survivors.partner_id = records.partner_id THEN 'exact_key' ELSE 'merge_alias' END AS method,
        1.0 AS confidence,
        TIMESTAMP '1970-01-01' AS valid_from,
        NULL AS valid_to,
        coalesce(survivors.partner_id = records.partner_id, FALSE) AS is_primary,
        NULL AS note,
        records.known_at,
        records._source,
        records._file,
        records._file_sha256,
        records._row,
        records._loaded_at,
        NULL AS _extra,
        records.is_deleted AS _deleted,
        2 AS precedence
    FROM records
    INNER JOIN survivors ON records.partner_id = survivors.ref
    UNION ALL
    SELECT
        '*:email_domain:' || domains.domain AS ref,
        '*' AS id_source,
        'email_domain' AS id_type,
        domains.domain AS id_value,
        CASE WHEN domains.owners = 1 THEN domains.partner_id END AS partner_id,
        NULL AS partner_ref,
        'domain' AS method,
        CASE WHEN domains.owners = 1 THEN 0.9 ELSE 0.0 END AS confidence,
        TIMESTAMP '1970-01-01' AS valid_from,
        NULL AS valid_to,
        FALSE AS is_primary,
        CASE WHEN domains.owners > 1 THEN 'domain of ' || domains.owners || ' partners' END AS note,
        domains.known_at,
        NULL AS _source,
        NULL AS _file,
        NULL AS _file_sha256,
        NULL AS _row,
        NULL AS _loaded_at,
        NULL AS _extra,
        FALSE AS _deleted,
        3 AS precedence
    FROM domains
),

final AS (
    SELECT
        ref,
        id_source,
        id_type,
        id_value,
        partner_id,
        partner_ref,
        method,
        CAST(confidence AS DOUBLE) AS confidence,
        valid_from,
        CAST(valid_to AS TIMESTAMP) AS valid_to,
        is_primary,
        note,
        precedence < 9 AND row_number() OVER (PARTITION BY ref ORDER BY precedence, valid_from DESC, method) = 1 AS is_current,
        known_at,
        _source,
        _file,
        _file_sha256,
        _row,
        _loaded_at,
        _extra,
        _deleted
    FROM identifiers
    -- A merge may be told twice, by the losing record and by a row of its own.
    QUALIFY row_number() OVER (
        PARTITION BY ref, valid_from, method
        ORDER BY precedence, _loaded_at DESC, _file DESC, _row DESC, partner_ref
    ) = 1
)

SELECT * FROM final
