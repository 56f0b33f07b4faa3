-- certification: the newest version of one award, with the holder's partner resolved.
-- grain: one award
-- key: award_id
-- award_id VARCHAR
-- person_id VARCHAR
-- partner_id VARCHAR: partner as the LMS groups the holder, resolved: as exported, else the partner of the person;
--   null where unresolved
-- partner_ref VARCHAR: partner as the LMS groups the holder, as exported
-- cert_code VARCHAR
-- cert_name VARCHAR
-- level VARCHAR
-- product_line VARCHAR
-- issued_at TIMESTAMP
-- expires_at TIMESTAMP: as exported, else the configured validity from the award, else null: it does not expire
-- expires_basis VARCHAR: explicit, validity_rule or none
-- status VARCHAR: state at the as-of date: expired once expires_at has come, active before it; as exported where it was
--   revoked or archived, and where an award without expiry is said to have expired
-- status_raw VARCHAR
-- source_modified_at TIMESTAMP
-- known_at TIMESTAMP: when we knew of it: first receipt, or the record's own time where it came with the first export
-- _source VARCHAR
-- _file VARCHAR
-- _file_sha256 VARCHAR
-- _row BIGINT
-- _loaded_at TIMESTAMP
-- _extra VARCHAR
-- _deleted BOOLEAN: the source deleted it; kept for audit, out of every metric
WITH versions AS (
    SELECT
        *,
        -- A key that a complete export no longer has is told by a row without content.
        _deleted AND cert_code IS NULL AS is_absence,
        max(_loaded_at) FILTER (WHERE _deleted AND cert_code IS NULL) OVER record AS absent_at,
        min(_loaded_at) OVER record AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at,
        -- A statement that voids another one does not know whether that was an award.
        count(*) FILTER (WHERE NOT _deleted) OVER record AS tellings
    FROM lake.certification
    WINDOW record AS (PARTITION BY award_id)
),

newest AS (
    SELECT
        *,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN first_seen_at < first_export_at + INTERVAL '12' HOUR
                THEN coalesce(issued_at, source_modified_at, TIMESTAMP '1970-01-01')
            ELSE greatest(first_seen_at, issued_at)
        END AS known_at,
        _deleted OR coalesce(_loaded_at <= absent_at, FALSE) AS is_deleted
    FROM versions
    WHERE tellings > 0
    QUALIFY row_number() OVER (
        PARTITION BY award_id
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

identities AS (
    SELECT ref, partner_id, valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM canonical.partner_reference
),

people AS (
    SELECT person_id, partner_id, valid_from, coalesce(valid_to, TIMESTAMP '9999-12-31') AS valid_to
    FROM canonical.person_partner
),

-- An expiry that is not stated follows from the configured validity.
expiring AS (
    SELECT
        newest.* REPLACE (
            coalesce(newest.expires_at, newest.issued_at + to_months(validity.validity_months)) AS expires_at,
            CASE
                WHEN newest.expires_at IS NULL AND validity.validity_months IS NOT NULL THEN 'validity_rule'
                ELSE newest.expires_basis
            END AS expires_basis
        )
    FROM newest
    LEFT JOIN certificate_validity AS validity ON newest.cert_code = validity.cert_code
),

final AS (
    SELECT
        expiring.award_id,
        expiring.person_id,
        coalesce(identity.partner_id, person.partner_id) AS partner_id,
        expiring.partner_id AS partner_ref,
        expiring.cert_code,
        expiring.cert_name,
        expiring.level,
        expiring.product_line,
        expiring.issued_at,
        expiring.expires_at,
        expiring.expires_basis,
        CASE
            WHEN expiring.status IN ('revoked', 'archived') THEN expiring.status
            WHEN expiring.expires_at < s.as_of_end THEN 'expired'
            WHEN expiring.expires_at IS NULL AND expiring.status = 'expired' THEN 'expired'
            ELSE 'active'
        END AS status,
        expiring.status_raw,
        expiring.source_modified_at,
        expiring.known_at,
        expiring._source,
        expiring._file,
        expiring._file_sha256,
        expiring._row,
        expiring._loaded_at,
        expiring._extra,
        expiring.is_deleted AS _deleted
    FROM expiring
    CROSS JOIN run_settings AS s
    LEFT JOIN identities AS identity
        ON expiring.partner_id = identity.ref AND expiring.issued_at >= identity.valid_from AND expiring.issued_at < identity.valid_to
    LEFT JOIN people AS person
        ON expiring.person_id = person.person_id AND expiring.issued_at >= person.valid_from AND expiring.issued_at < person.valid_to
)

SELECT * FROM final
