-- person_partner: which partner each person worked for, and from when to when.
-- grain: person x interval; the intervals of a person follow each other without a gap
-- key: person_id, valid_from
-- person_id VARCHAR: native key of the person
-- partner_id VARCHAR: surviving partner; null where unresolved
-- method VARCHAR: rule that found it, as in partner_reference_part; person where a user's contact names it
-- confidence DOUBLE: 1 for certain
-- valid_from TIMESTAMP: start; 1970 for the first interval, since nothing earlier is known
-- valid_to TIMESTAMP: end, exclusive; null for the last interval
-- note: a change of account is dated by the record's own change time, else by its receipt
-- note: order of rules: the person as declared in partner_identity, the record's references in their order, its mail
--   domain; a user is followed to its contact, a contact no further
WITH versions AS (
    SELECT
        person_id,
        coalesce(partner_id, '') AS partner_ref,
        _source || ':email_domain:' || lower(email_domain) AS domain_ref,
        least(source_modified_at, _loaded_at) AS changed_at,
        _loaded_at,
        _file,
        _row,
        _preset,
        _row_hash
    FROM lake.person
    -- A key that a complete export no longer has is told by a row without content.
    WHERE role IS NOT NULL
),

compared AS (
    SELECT
        *,
        lag(partner_ref) OVER version AS ref_before,
        lag(domain_ref) OVER version AS domain_before,
        row_number() OVER version AS version_no
    FROM versions
    WINDOW version AS (
        PARTITION BY person_id ORDER BY changed_at, _loaded_at, _file, _row, _preset, _row_hash
    )
),

changes AS (
    SELECT
        person_id,
        partner_ref,
        domain_ref,
        CASE WHEN version_no = 1 THEN TIMESTAMP '1970-01-01' ELSE changed_at END AS valid_from
    FROM compared
    WHERE
        version_no = 1
        OR partner_ref <> ref_before
        OR domain_ref IS DISTINCT FROM domain_before
    QUALIFY row_number() OVER (PARTITION BY person_id, valid_from ORDER BY version_no DESC) = 1
),

intervals AS (
    SELECT
        *,
        lead(valid_from) OVER (PARTITION BY person_id ORDER BY valid_from) AS valid_to
    FROM changes
),

declared AS (
    -- As keys are written, which is not always as the identifier is.
    SELECT substr(ref, length(id_source) + length(id_type) + 3) AS person_id, partner_id, method, confidence
    FROM canonical.partner_identity
    WHERE is_current AND id_type = 'person'
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY ref) = 1
),

answers AS (
    SELECT ref, part_no, partner_id, method, confidence
    FROM canonical.partner_reference_part
    WHERE is_answer
),

contacts AS (
    SELECT ref, part_no, id_value AS contact_id
    FROM canonical.partner_reference_part
    WHERE id_type = 'person'
    QUALIFY row_number() OVER (PARTITION BY ref ORDER BY part_no) = 1
),

-- What a person's own record says, and the contact that goes before it.
own AS (
    SELECT
        intervals.person_id,
        intervals.valid_from,
        intervals.valid_to,
        CASE
            WHEN declared.person_id IS NOT NULL THEN declared.partner_id
            ELSE coalesce(answers.partner_id, mail_domain.partner_id)
        END AS partner_id,
        coalesce(declared.method, answers.method, mail_domain.method) AS method,
        coalesce(declared.confidence, answers.confidence, mail_domain.confidence) AS confidence,
        CASE
            WHEN declared.person_id IS NULL AND coalesce(contacts.part_no < answers.part_no, TRUE) THEN contacts.contact_id
        END AS contact_id
    FROM intervals
    LEFT JOIN declared ON intervals.person_id = declared.person_id
    LEFT JOIN answers ON intervals.partner_ref = answers.ref
    LEFT JOIN contacts ON intervals.partner_ref = contacts.ref
    LEFT JOIN answers AS mail_domain ON intervals.domain_ref = mail_domain.ref
),

told AS (
    SELECT
        own.person_id,
        coalesce(contact.partner_id, own.partner_id) AS partner_id,
        CASE
            WHEN contact.partner_id IS NOT NULL THEN 'person'
            WHEN own.partner_id IS NOT NULL THEN own.method
        END AS method,
        CASE
            WHEN contact.partner_id IS NOT NULL THEN contact.confidence
            WHEN own.partner_id IS NOT NULL THEN own.confidence
        END AS confidence,
        greatest(own.valid_from, contact.valid_from) AS valid_from,
        least(own.valid_to, contact.valid_to) AS valid_to
    FROM own
    LEFT JOIN own AS contact
        ON
            own.contact_id = contact.person_id
            AND contact.valid_from < coalesce(own.valid_to, TIMESTAMP '9999-12-31')
            AND own.valid_from < coalesce(contact.valid_to, TIMESTAMP '9999-12-31')
),

-- Persons of whom no export tells anything but what they did can be declared all the same.
final AS (
    SELECT person_id, partner_id, method, confidence, valid_from, valid_to FROM told
    UNION ALL
    SELECT person_id, partner_id, method, confidence, TIMESTAMP '1970-01-01' AS valid_from, NULL AS valid_to
    FROM declared
    WHERE person_id NOT IN (SELECT person_id FROM told)
)

SELECT * FROM final
