-- partner_history: what a partner's tier, status, owner, region, type, programme and parent were, and when.
-- grain: partner x attribute x interval
-- key: partner_ref, attribute, valid_from
-- partner_id VARCHAR: partner, resolved through partner_reference; null where unresolved
-- partner_ref VARCHAR: partner, as exported
-- attribute VARCHAR
-- value VARCHAR: value in the interval, tiers and programmes by their names in the code map; for parent the resolved partner
-- rank BIGINT
-- valid_from TIMESTAMP
-- valid_to TIMESTAMP
-- basis VARCHAR: how the interval is known: history_object, declared, snapshot_diff or backfilled
-- known_at TIMESTAMP: when we knew of it: first receipt, or the start of the interval where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
-- note: of what exports say about one attribute of a partner only the best basis counts: history_object, declared, then
--   snapshot_diff; a state that a later snapshot no longer has ended, it did not vanish
-- note: an attribute without exported history is read from the changes between the exports of the partner list
--   (snapshot_diff, as precise as the exports are frequent); before the first export the value then known is assumed
--   back to the day of joining (backfilled)
WITH versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND basis IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND basis IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.partner_history
    WINDOW record AS (PARTITION BY partner_id, attribute, valid_from)
),

newest AS (
    SELECT
        *,
        -- Files received within half a day of the first export belong to it: it tells the past.
        CASE
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR THEN valid_from
            ELSE greatest(first_seen_at, valid_from)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    QUALIFY row_number() OVER (
        PARTITION BY partner_id, attribute, valid_from
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

identities AS (
    SELECT ref, partner_id FROM canonical.partner_reference WHERE is_current
),

codes AS (
    SELECT source, domain AS attribute, raw_value, canonical, "order" AS rank
    FROM canonical.code_map
    WHERE domain IN ('tier', 'program') AND NOT _deleted
),

-- A code list names a value by its code; a rank is also told for the name.
code_names AS (
    SELECT source, attribute, canonical AS value, min(rank) AS rank
    FROM codes
    GROUP BY source, attribute, canonical
),

best AS (
    SELECT
        newest.*,
        identity.partner_id AS resolved_id,
        -- A record of the present that is absent from a later snapshot says until when it held.
        CASE WHEN newest.basis = 'snapshot_diff' AND NOT newest._deleted AND newest.is_deleted THEN newest.absent_at END AS ended_at,
        newest.is_deleted AND (newest._deleted OR newest.basis <> 'snapshot_diff') AS is_gone
    FROM newest
    LEFT JOIN identities AS identity ON newest.partner_id = identity.ref
    QUALIFY dense_rank() OVER (
        PARTITION BY coalesce(identity.partner_id, newest.partner_id), newest.attribute, is_gone
        ORDER BY CASE newest.basis WHEN 'history_object' THEN 1 WHEN 'declared' THEN 2 ELSE 3 END
    ) = 1
),

exported AS (
    SELECT
        newest.resolved_id AS partner_id,
        newest.partner_id AS partner_ref,
        newest.attribute,
        CASE
            WHEN newest.attribute = 'parent' THEN coalesce(parent.partner_id, newest.value)
            ELSE coalesce(codes.canonical, newest.value)
        END AS value,
        coalesce(newest.rank, codes.rank, code_names.rank) AS rank,
        newest.valid_from,
        coalesce(
            newest.valid_to,
            least(
                newest.ended_at,
                lead(newest.valid_from) OVER (
                    PARTITION BY coalesce(newest.resolved_id, newest.partner_id), newest.attribute, newest.is_gone
                    ORDER BY newest.valid_from, newest.partner_id
                )
            )
        ) AS valid_to,
        newest.basis,
        newest.known_at,
        newest._source,
        newest._file,
        newest._file_sha256,
        newest._row,
        newest._loaded_at,
        newest._extra,
        newest.is_gone AS _deleted
    FROM best AS newest
    LEFT JOIN codes
        ON newest._source = codes.source AND newest.attribute = codes.attribute AND newest.value = codes.raw_value
    LEFT JOIN code_names
        ON
            newest._source = code_names.source
            AND newest.attribute = code_names.attribute
            AND newest.value = code_names.value
    LEFT JOIN identities AS parent ON newest.attribute = 'parent' AND newest.value = parent.ref
),

-- Every version of the surviving partner records, oldest first.
partner_versions AS (
    SELECT
        partner.*,
        min(partner._loaded_at) OVER (PARTITION BY partner._source, partner._object) AS first_export_at,
        row_number() OVER (
            PARTITION BY partner.partner_id
            ORDER BY
                partner._loaded_at,
                partner.source_modified_at NULLS FIRST,
                partner._file,
                partner._row,
                partner._preset,
                partner._row_hash
        ) AS version_no
    FROM lake.partner AS partner
    INNER JOIN identities AS identity ON partner.partner_id = identity.ref AND partner.partner_id = identity.partner_id
    WHERE partner.name IS NOT NULL
),

readings AS (
    SELECT partner_id, version_no, 'tier' AS attribute, tier_code AS value, tier_rank AS rank FROM partner_versions
    UNION ALL
    SELECT partner_id, version_no, 'status' AS attribute, status AS value, NULL AS rank FROM partner_versions
    UNION ALL
    SELECT partner_id, version_no, 'owner' AS attribute, owner_key AS value, NULL AS rank FROM partner_versions
    UNION ALL
    SELECT partner_id, version_no, 'region' AS attribute, region AS value, NULL AS rank FROM partner_versions
    UNION ALL
    SELECT partner_id, version_no, 'type' AS attribute, partner_type AS value, NULL AS rank FROM partner_versions
    UNION ALL
    SELECT partner_id, version_no, 'program' AS attribute, program_code AS value, NULL AS rank FROM partner_versions
    UNION ALL
    SELECT
        partner_versions.partner_id,
        partner_versions.version_no,
        'parent' AS attribute,
        parent.partner_id AS value,
        NULL AS rank
    FROM partner_versions
    LEFT JOIN identities AS parent ON partner_versions.parent_partner_id = parent.ref
),

compared AS (
    SELECT
        partner_id,
        version_no,
        attribute,
        value,
        rank,
        lag(value) OVER reading AS value_before,
        lag(rank) OVER reading AS rank_before
    FROM readings
    WINDOW reading AS (PARTITION BY partner_id, attribute ORDER BY version_no)
),

changes AS (
    SELECT
        changed.partner_id,
        changed.attribute,
        changed.value,
        changed.rank,
        CASE
            WHEN changed.version_no = 1 THEN coalesce(CAST(version.joined_on AS TIMESTAMP), TIMESTAMP '1970-01-01')
            ELSE version._loaded_at
        END AS valid_from,
        CASE WHEN changed.version_no = 1 THEN 'backfilled' ELSE 'snapshot_diff' END AS basis,
        version._source,
        version._file,
        version._file_sha256,
        version._row,
        version._loaded_at,
        version._extra,
        version.first_export_at
    FROM compared AS changed
    INNER JOIN partner_versions AS version
        ON changed.partner_id = version.partner_id AND changed.version_no = version.version_no
    WHERE
        (changed.version_no = 1 AND changed.value IS NOT NULL)
        OR (
            changed.version_no > 1
            AND (changed.value IS DISTINCT FROM changed.value_before OR changed.rank IS DISTINCT FROM changed.rank_before)
        )
    QUALIFY row_number() OVER (PARTITION BY changed.partner_id, changed.attribute, valid_from ORDER BY changed.version_no DESC) = 1
),

observed AS (
    SELECT
        changes.partner_id,
        changes.partner_id AS partner_ref,
        changes.attribute,
        coalesce(codes.canonical, changes.value) AS value,
        coalesce(changes.rank, codes.rank, code_names.rank) AS rank,
        changes.valid_from,
        lead(changes.valid_from) OVER (PARTITION BY changes.partner_id, changes.attribute ORDER BY changes.valid_from) AS valid_to,
        changes.basis,
        CASE
            WHEN changes._loaded_at < changes.first_export_at + INTERVAL '12' HOUR THEN changes.valid_from
            ELSE greatest(changes._loaded_at, changes.valid_from)
        END AS known_at,
        changes._source,
        changes._file,
        changes._file_sha256,
        changes._row,
        changes._loaded_at,
        changes._extra,
        FALSE AS _deleted
    FROM changes
    LEFT JOIN codes
        ON changes._source = codes.source AND changes.attribute = codes.attribute AND changes.value = codes.raw_value
    LEFT JOIN code_names
        ON
            changes._source = code_names.source
            AND changes.attribute = code_names.attribute
            AND changes.value = code_names.value
    LEFT JOIN exported
        ON changes.partner_id = exported.partner_id AND changes.attribute = exported.attribute AND NOT exported._deleted
    WHERE exported.partner_id IS NULL
),

final AS (
    SELECT * FROM exported
    UNION ALL
    SELECT * FROM observed
)

SELECT * FROM final
