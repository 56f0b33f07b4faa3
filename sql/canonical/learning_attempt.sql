-- learning_attempt: attempts at courses that an LMS tells piece by piece, each folded from its statements.
-- grain: one attempt
-- key: learning_id
-- learning_id VARCHAR: native key of the attempt
-- person_id VARCHAR: learner
-- partner_ref VARCHAR: partner as the LMS groups the learner, as exported
-- course_code VARCHAR: course
-- course_name VARCHAR: name of the course; its code where no statement names it
-- course_type VARCHAR: kind of course
-- parent VARCHAR: plan or path that the course belongs to
-- enrolled_at TIMESTAMP: first statement of an enrolment
-- started_at TIMESTAMP: first statement of work on the course
-- last_activity_at TIMESTAMP: last statement of work on the course or of its end
-- completed_at TIMESTAMP: first statement that it was completed or passed, else the first that it was failed
-- status VARCHAR: the furthest that the attempt came: passed, completed, failed, then the others
-- progress_pct DOUBLE: progress as last told, 0 to 100
-- score_raw DOUBLE: score as last told
-- score_max DOUBLE: highest possible score
-- score_scaled DOUBLE: score as last told, 0 to 1
-- success BOOLEAN: the last answer to whether it was passed
-- time_spent_s BIGINT: the longest time that a statement tells
-- statements BIGINT: statements that were folded
-- source_modified_at TIMESTAMP: last statement
-- known_at TIMESTAMP: when we knew of it: first receipt, or the first statement's own time where it came with the first export
-- _source VARCHAR: source instance of the last statement
-- _file VARCHAR: export of the last statement
-- _file_sha256 VARCHAR: content hash of that export
-- _row BIGINT: record number in that export
-- _loaded_at TIMESTAMP: receipt of that export
-- note: a statement that two exports bring counts once, as the later export tells it; one that is voided counts never,
--   whether the voiding came before it or after
-- note: what a statement leaves open is taken from the statement before it
WITH statements AS (
    SELECT
        *,
        count(*) FILTER (WHERE _deleted) OVER statement AS voidings,
        min(_loaded_at) OVER (PARTITION BY learning_id) AS first_seen_at,
        min(_loaded_at) OVER (PARTITION BY _source, _object) AS first_export_at
    FROM lake.learning_statement
    WINDOW statement AS (PARTITION BY statement_id)
    QUALIFY row_number() OVER (
        PARTITION BY statement_id
        ORDER BY _deleted, _loaded_at DESC, _file DESC, _row DESC, _preset DESC, _row_hash DESC
    ) = 1
),

states AS (
    SELECT unnest(['unknown', 'enrolled', 'waiting', 'in_progress', 'suspended', 'expired', 'withdrawn', 'failed', 'completed', 'passed']) AS status,
        unnest(range(10)) AS rank
),

valid_statements AS (
    SELECT
        statements.*,
        states.rank,
        statements.status IN ('in_progress', 'suspended') AS is_work,
        statements.status IN ('failed', 'completed', 'passed') AS is_end,
        statements.status IN ('completed', 'passed') AS is_completion
    FROM statements
    INNER JOIN states ON statements.status = states.status
    WHERE statements.voidings = 0 AND statements.learning_id IS NOT NULL
),

attempts AS (
    SELECT
        learning_id,
        arg_max(person_id, row(occurred_at, statement_id)) AS person_id,
        arg_max(partner_id, row(occurred_at, statement_id)) AS partner_ref,
        arg_max(course_code, row(occurred_at, statement_id)) AS course_code,
        arg_max(course_name, row(occurred_at, statement_id)) AS named,
        arg_max(course_type, row(occurred_at, statement_id)) AS course_type,
        arg_max(parent, row(occurred_at, statement_id)) AS parent,
        min(occurred_at) FILTER (WHERE status = 'enrolled') AS enrolled_at,
        min(occurred_at) FILTER (WHERE is_work) AS started_at,
        max(occurred_at) FILTER (WHERE is_work OR is_end) AS last_activity_at,
        coalesce(min(occurred_at) FILTER (WHERE is_completion), min(occurred_at) FILTER (WHERE is_end)) AS completed_at,
        max(rank) AS rank,
        arg_max(progress_pct, row(occurred_at, statement_id)) AS progress_pct,
        arg_max(score_raw, row(occurred_at, statement_id)) AS score_raw,
        arg_max(score_max, row(occurred_at, statement_id)) AS score_max,
        arg_max(score_scaled, row(occurred_at, statement_id)) AS score_scaled,
        arg_max(success, row(occurred_at, statement_id)) AS success,
        max(time_spent_s) AS time_spent_s,
        count(*) AS statements,
        min(occurred_at) AS began_at,
        max(occurred_at) AS source_modified_at,
        min(first_seen_at) AS first_seen_at,
        min(first_export_at) AS first_export_at,
        arg_max(_source, row(occurred_at, statement_id)) AS _source,
        arg_max(_file, row(occurred_at, statement_id)) AS _file,
        arg_max(_file_sha256, row(occurred_at, statement_id)) AS _file_sha256,
        arg_max(_row, row(occurred_at, statement_id)) AS _row,
        arg_max(_loaded_at, row(occurred_at, statement_id)) AS _loaded_at
    FROM valid_statements
    GROUP BY learning_id
),

final AS (
    SELECT
        attempts.learning_id,
        attempts.person_id,
        attempts.partner_ref,
        attempts.course_code,
        coalesce(attempts.named, attempts.course_code, attempts.learning_id) AS course_name,
        attempts.course_type,
        attempts.parent,
        attempts.enrolled_at,
        attempts.started_at,
        attempts.last_activity_at,
        attempts.completed_at,
        states.status,
        attempts.progress_pct,
        attempts.score_raw,
        attempts.score_max,
        attempts.score_scaled,
        attempts.success,
        attempts.time_spent_s,
        attempts.statements,
        attempts.source_modified_at,
        CASE
            -- Files received within half a day of the first export belong to it: it tells the past.
            WHEN attempts.first_seen_at < attempts.first_export_at + INTERVAL '12' HOUR THEN attempts.began_at
            ELSE greatest(attempts.first_seen_at, attempts.began_at)
        END AS known_at,
        attempts._source,
        attempts._file,
        attempts._file_sha256,
        attempts._row,
        attempts._loaded_at
    FROM attempts
    INNER JOIN states ON attempts.rank = states.rank
)

SELECT * FROM final
