-- int_unresolved: identifiers that nobody could be found for, and what is known of whom they may mean.
-- grain: identifier on which a record hangs that counts for nobody
-- key: ref
-- ref VARCHAR: the identifier as facts carry it: <source>:<id_type>:<value>
-- id_source VARCHAR: source instance that uses it
-- id_type VARCHAR: kind of identifier
-- id_value VARCHAR: identifier
-- reason VARCHAR: why it is not resolved, where more is known than that it is new
-- tables VARCHAR: canonical tables whose records hang on it, separated by commas
-- records BIGINT: records that hang on it
-- amount_base DECIMAL(18,4): their money in the reporting currency; null where they have none
-- first_on DATE: day of the first of them
-- last_on DATE: day of the last of them
-- weight_rank BIGINT: 1 for the identifier on which most hangs, money before records
-- name_hint VARCHAR: what the organisation may be called: by its application, else by its branch, group or mail domain;
--   null for bare keys
-- domain_hint VARCHAR: its mail domain, else that of most people who carry the identifier
-- country_hint VARCHAR: country of its application
-- note: a reference that lists several identifiers counts for the first of them, since any of them would resolve it
WITH uses AS (
    SELECT ref, table_name, records, amount_base, first_on, last_on
    FROM intermediate.int_reference_use
    WHERE ref <> '' AND NOT is_resolved
),

parts AS (
    SELECT ref, part, id_source, id_type, id_value, note
    FROM canonical.partner_reference_part
    WHERE part_no = 1
),

-- References that stand for persons without one of their own are known to no export; they are read from their text.
identified AS (
    SELECT
        coalesce(parts.part, uses.ref) AS ref,
        coalesce(parts.id_source, split_part(uses.ref, ':', 1)) AS id_source,
        coalesce(parts.id_type, split_part(uses.ref, ':', 2)) AS id_type,
        coalesce(
            parts.id_value,
            substr(uses.ref, length(split_part(uses.ref, ':', 1)) + length(split_part(uses.ref, ':', 2)) + 3)
        ) AS id_value,
        parts.note,
        uses.table_name,
        uses.records,
        uses.amount_base,
        uses.first_on,
        uses.last_on
    FROM uses
    LEFT JOIN parts ON uses.ref = parts.ref
),

weights AS (
    SELECT
        ref,
        min(id_source) AS id_source,
        min(id_type) AS id_type,
        min(id_value) AS id_value,
        min(note) AS reason,
        string_agg(DISTINCT table_name, ', ' ORDER BY table_name) AS tables,
        sum(records) AS records,
        sum(amount_base) AS amount_base,
        min(first_on) AS first_on,
        max(last_on) AS last_on
    FROM identified
    GROUP BY ref
),

applications AS (
    SELECT
        parts.part AS ref,
        min({'submitted_at': application.submitted_at, 'name': application.name}) AS named,
        min(lower(application.domain)) AS domain,
        min(application.country) AS country
    FROM canonical.partner_application AS application
    INNER JOIN parts ON application.partner_ref = parts.ref
    WHERE NOT application._deleted AND application.partner_id IS NULL
    GROUP BY parts.part
),

person_domains AS (
    SELECT parts.part AS ref, lower(person.email_domain) AS domain, count(*) AS people
    FROM canonical.person AS person
    INNER JOIN parts ON person.partner_ref = parts.ref
    LEFT JOIN canonical.shared_domain AS shared ON lower(person.email_domain) = shared.domain
    WHERE NOT person._deleted AND person.partner_id IS NULL AND person.email_domain IS NOT NULL AND shared.domain IS NULL
    GROUP BY parts.part, lower(person.email_domain)
),

main_domains AS (
    SELECT ref, domain
    FROM person_domains
    QUALIFY row_number() OVER (PARTITION BY ref ORDER BY people DESC, domain) = 1
),

final AS (
    SELECT
        weights.ref,
        weights.id_source,
        weights.id_type,
        -- As its own system writes it: within a key, a bar has a backslash before it.
        regexp_replace(weights.id_value, '\\(.)', '\1', 'g') AS id_value,
        weights.reason,
        weights.tables,
        CAST(weights.records AS BIGINT) AS records,
        CAST(weights.amount_base AS DECIMAL(18, 4)) AS amount_base,
        weights.first_on,
        weights.last_on,
        row_number() OVER (ORDER BY weights.amount_base DESC NULLS LAST, weights.records DESC, weights.ref) AS weight_rank,
        coalesce(
            applications.named.name,
            CASE
                WHEN weights.id_type = 'lms_branch' THEN string_split(weights.id_value, '/')[-1]
                WHEN weights.id_type = 'email_domain' THEN split_part(weights.id_value, '.', 1)
                WHEN weights.id_type IN ('lms_group', 'portal_org', 'partner_key', 'custom') THEN weights.id_value
            END
        ) AS name_hint,
        coalesce(
            CASE WHEN weights.id_type = 'email_domain' THEN lower(weights.id_value) END,
            applications.domain,
            main_domains.domain
        ) AS domain_hint,
        applications.country AS country_hint
    FROM weights
    LEFT JOIN applications ON weights.ref = applications.ref
    LEFT JOIN main_domains ON weights.ref = main_domains.ref
)

SELECT * FROM final
