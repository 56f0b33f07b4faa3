-- export_profile: what came in, what was refused, and what changed since the last export of the same kind.
-- grain: export file x canonical table that it fed; a file that was refused whole has one row
-- key: input_no, table_name
-- input_no BIGINT: number of the file among all that the night counts; later files correct earlier ones
-- source VARCHAR: configured name of the source instance
-- object VARCHAR: object of the source that the file holds
-- file VARCHAR: path of the export inside its source; a member of an archive is behind the archive's
-- table_name VARCHAR: canonical table that the file fed; empty where the file was refused whole
-- status VARCHAR: loaded, unchanged where nothing was new, or refused where the file was refused whole
-- received_at TIMESTAMP: when it was received
-- is_newest BOOLEAN: the last file of its object that came, loaded or refused
-- format VARCHAR: csv, json, xlsx or parquet; null where nobody knows
-- dialect VARCHAR: how the file was read
-- records BIGINT: records in the file
-- records_before BIGINT: records in the last good export of the object, all its parts together; null for the first
-- rows_written BIGINT: records that were new or changed
-- unchanged_records BIGINT: records that repeat what was known
-- filtered_records BIGINT: records that the mapping leaves out of this table
-- refused_records BIGINT: records refused; `partnerhealth rejects` shows each with its next step
-- refused_share DOUBLE: of all records of the file; null for an empty one
-- dropped_values BIGINT: values refused while their row was kept, over all tables of the file
-- deleted_rows BIGINT: keys that the export no longer has
-- held_rows BIGINT: keys that the export no longer has and that were kept, since it also had records whose keys nobody
--   could read
-- conflicting_records BIGINT: records whose key an earlier record of the same export has with other values
-- first_event_on DATE: day of the first event written; null for tables without event time
-- last_event_on DATE: day of the last event written
-- new_columns VARCHAR: columns that the last good export did not have, one a line
-- missing_columns VARCHAR: columns that only the last good export had, one a line
-- unmapped_columns VARCHAR: columns that no mapping names, kept in _extra, one a line
-- absent_columns VARCHAR: columns that the mapping names and the file lacks, one a line; they are null
-- columns VARCHAR: columns of the header, one a line
-- copies VARCHAR: files with the same bytes that were not read again, one a line
-- delivery VARCHAR: equal for the files that are parts of one export
-- reason VARCHAR: why the file was refused whole; null where it was not
-- notes VARCHAR: remarks of the reader, one a line
-- sha256 VARCHAR: content hash of the file
-- mapping_version VARCHAR: content hash of the mapping that typed it
WITH newest AS (
    SELECT source, object, max(input_no) AS input_no
    FROM lake.input
    GROUP BY source, object
),

final AS (
    SELECT
        i.input_no,
        i.source,
        i.object,
        i.file,
        coalesce(i.table_name, '') AS table_name,
        CASE
            WHEN i.quarantined IS NOT NULL THEN 'refused'
            WHEN coalesce(i.rows, 0) + coalesce(i.deleted, 0) = 0 THEN 'unchanged'
            ELSE 'loaded'
        END AS status,
        i.received_at,
        newest.input_no IS NOT NULL AS is_newest,
        i.format,
        i.dialect,
        i.records,
        i.records_before,
        coalesce(i.rows, 0) AS rows_written,
        coalesce(i.unchanged, 0) AS unchanged_records,
        coalesce(i.filtered, 0) AS filtered_records,
        coalesce(i.rejected, 0) AS refused_records,
        coalesce(i.rejected, 0) / nullif(i.records, 0) AS refused_share,
        i.values_dropped AS dropped_values,
        coalesce(i.deleted, 0) AS deleted_rows,
        coalesce(i.held, 0) AS held_rows,
        coalesce(i.conflicting, 0) AS conflicting_records,
        i.min_event_on AS first_event_on,
        i.max_event_on AS last_event_on,
        i.new_columns,
        i.missing_columns,
        i.unmapped_columns,
        i.absent_columns,
        i.columns,
        i.copies,
        i.delivery,
        i.quarantined AS reason,
        i.notes,
        i.sha256,
        i.mapping_version
    FROM lake.input AS i
    LEFT JOIN newest ON i.input_no = newest.input_no
)

SELECT * FROM final
