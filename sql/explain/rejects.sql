-- rejects: every refused record and dropped value that the lake keeps, the newest run first.
-- received_at TIMESTAMP: when the export was received
-- file VARCHAR: source and path of the export
-- record BIGINT: record number, 1 for the first after the header, 0 for the file as a whole
-- line BIGINT: line on which the record begins
-- column VARCHAR: column of the export; null where the whole record is at fault
-- rule VARCHAR: short name of the rule that was broken
-- value VARCHAR: the offending value, the first 60 characters
-- message VARCHAR: what is wrong
-- next_step VARCHAR: what to do about it
-- kept VARCHAR: row where only the value was dropped, nothing where the record was refused
-- run_id VARCHAR: run that refused it
-- param: last: true for the newest run that refused anything only
WITH newest AS (
    SELECT _run_id, max(_loaded_at) AS received_at
    FROM lake.reject
    GROUP BY _run_id
    ORDER BY received_at DESC, _run_id DESC
    LIMIT 1
),

final AS (
    SELECT
        reject._loaded_at AS received_at,
        reject.source || '/' || reject.file AS file,
        reject.record,
        reject.line,
        nullif(reject."column", '') AS "column",
        reject.rule,
        CAST(substr(reject.value, 1, 60) AS VARCHAR) AS value,
        reject.message,
        reject.next_step,
        CASE WHEN reject.row_kept THEN 'row' ELSE 'nothing' END AS kept,
        reject._run_id AS run_id
    FROM lake.reject
    LEFT JOIN newest ON reject._run_id = newest._run_id
    WHERE NOT CAST($1 AS BOOLEAN) OR newest._run_id IS NOT NULL
)

SELECT * FROM final
ORDER BY received_at DESC, file, record, line, "column", rule
