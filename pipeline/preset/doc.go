// Package preset holds mappings: which file of a source feeds which canonical tables, and how.
//
// A mapping is a YAML file; the built-in ones, in package builtin, are such files too. Parse decodes it strictly,
// checks it against the contract and reports everything that is wrong with it at once, each problem with its path,
// line and what to do. What it returns is plain data; ingest compiles it for the file at hand.
//
//	title: Deals of the CRM            # one line, for lists
//	about: ...                         # what a person should know who uses it
//	parameters:                        # what a source sets, by `with: {partner_types: [Partner, Reseller]}`
//	  partner_types: {about: ..., list: true, default: [Partner], example: [...]}   # or map: true, or one text; required: true
//	objects: [...]                     # kinds of files
//
// # Parameters and aliases
//
// A parameter is written $name, as a whole value or element of a list, anywhere below objects; a list stands for its
// elements. $source is the name of the source; $$name is the text $name. Whatever has `needs: [$name]`, an object,
// table, column, condition, dialect or reference, is left out while the parameter is unset. A source may add aliases
// to names of columns: they count wherever the mapping reads that column. A mapping can be repeated in parts by YAML's
// anchors, aliases and merge keys (<<: *name).
//
// # Objects
//
//	object: Opportunity                # begins native keys; letters, digits, _ . -
//	files: ["**/Opportunity*.csv"]     # patterns of Match on the path, also that of a member of an archive; .gz and .zst do not count
//	header: [Id, [CloseDate, Close Date]]   # signature: columns that every file has; an inner list holds names of one column
//	format: auto                       # or csv, json, xlsx, parquet: by content
//	mode: upsert                       # snapshot: the file is all there is; upsert: the newest version of a key wins; append: facts
//	parts: '^WE_([^/]+)_\d+\.zip/'     # files whose paths give the same groups are parts of one snapshot
//	read: {...}                        # ReadOptions
//	dialects: [...]                    # ways in which the source writes the object
//	contract: {...}                    # what happens when a file is not as expected
//	required: [Id]                     # columns without which a file is refused, beside those that Required finds
//	let: {course: {transform: {from_filename: '^(.+)\.csv$'}}}   # texts made once for a record and read as "@course", see Let
//	drop: [Name]                       # columns that are known and never kept
//	tables: [...]
//
// A file is of the first object whose patterns match its path and whose signature fits its header; after those come the
// objects without patterns, which the signature alone decides. In JSON files names of columns are paths, see jsonpath.
//
// # Reading
//
//	read:
//	  delimiter: auto                  # , ; tab | ^ `
//	  quote: '"'                       # '' for none
//	  encoding: auto                   # by byte order mark, else UTF-8; or utf-16le, windows-1252, ...
//	  null_values: [""]                # texts that mean null
//	  timezone: Europe/Berlin          # of times without an offset; else that of the source
//	  header: 1                        # number of header rows; none with columns: [...]
//	  header_index: 0                  # which of them names the columns
//	  skip_rows: 0                     # lines before the header
//	  footer: ['^"?Grand Totals']      # patterns of raw records at the end that are none
//	  sheet: Costs                     # of a workbook, by name or number from 1
//	  records: statements              # path of the array in a JSON object
//	  strip_nul: false                 # true takes zero bytes out of the text, which else refuse their record
//
// A dialect has a name, conditions on the file, and what it reads otherwise. The first that fits is taken; lineage
// names it.
//
//	dialects:
//	  - dialect: weekly-export
//	    when: {header: [IsDeleted], absent: [Owner], value: {from: CreatedDate, matches: '^\d{4}-\d\d-\d\d \d\d:'}}
//	    files: ["**/WE_*"]
//	    read: {timezone: UTC}
//	    mode: snapshot
//
// # Tables
//
//	table: opportunity_partner
//	mode: upsert                       # the object's unless stated
//	where:                             # a record must meet all; others are counted as filtered
//	  - {from: Type, in: [Partner]}    # or not_in: [...], matches: "...", empty: true; optional: true where a file may lack the column
//	  - any: [{...}, {...}]            # one is enough
//	deleted: {from: IsDeleted, in: ["true", "1"]}   # records that tell that their key is gone
//	each: {split: Partner IDs, sep: ";", as: partner}   # a row for each part of a cell, read as "@partner"
//	columns: {...}
//
// each can also make a row for each column whose name matches a pattern, where its cell is not null:
//
//	each: {columns: '^Date entered "(.+) \((.+)\)"$', names: [stage, pipeline], as: entered}
//
// The cell is then "@entered", the groups of the name "@stage" and "@pipeline", `before: x` and `beside: x` the cells to
// the left and right. Columns that the object reads by name, or that `except` lists, make no unit; with `pairs: true`
// the column to the right does not either. `sep` cuts the cells further.
//
// # Columns
//
// A column is filled in this order: the text comes from the first name in `from` that is not null (or from all of them,
// for keys and concat, where an inner list holds names of one part), goes through the text transforms in turn, then
// through `map` and `match`, and is at last read as the column's type by the transform that is named or by the type's
// strict default. Constants, defaults and the values of a map are canonical: true, 12.5, 2026-10-31,
// 2026-10-31T09:00:00Z.
//
//	name: {from: [Deal Name, dealname], transform: [trim]}
//	stage_class: {from: Stage, map: {Won: won}, match: [{matches: '(?i)lost', to: lost}], else: open}
//	currency: {from: Currency, default: EUR}
//	deal_type: {const: new}
//	amount: {from: Amount, transform: {dec: {decimal: comma, group: "."}}, contract: {types: freeze}}
//	opportunity_id: {key: Opportunity, from: [Id], transform: id18}
//	partner_id: {from: Account, resolve: crm_account}
//
// A null takes `default`, else the `else` of a map, else it stays null. A text that neither map nor match nor the closed
// list of a column hold takes `else`, else the list's own unknown or other, which is counted; in a free text column it
// stays as it is, in any other it is refused.
//
// A native key is `<source>:<key>:<id>`. The parts of a key of several columns are joined by |, and a | or \ within
// a part gets a \ before it, so that different parts never make the same key. `source` names another instance.
//
// A reference to a partner is `<source>:<id_type>:<value>`. A list of them holds all that a record has, one a line, in
// the order in which they are tried; `sep` cuts a cell of several, and a person stands for the partner it works for:
//
//	partner_id:
//	  resolve:
//	    - {id_type: lms_branch, from: [Branches Codes], sep: ";"}
//	    - {id_type: person, key: Contact, from: [ContactId], transform: [id18]}
//	    - {id_type: email_domain, from: [Email], transform: [domain]}
//
// The transforms are the TransformName constants. Layouts of ts and date are written as 2 January 2006, 15:04:05 would
// look, or unix, unix_ms, unix_us; a column may have several, unless two could read the same text differently.
//
// # Contracts
//
//	contract:
//	  columns_new: evolve              # keep them in _extra; discard_value; freeze
//	  columns_missing: "null"          # freeze; a file without a column that rows need is always refused
//	  types: discard_value             # a text that is no value: go on without it; discard_row; freeze
//	  values: unknown                  # a text that no list knows; discard_row; freeze
//	  budget: {rows: 1%, values: 5%, from: 20}        # more refusals than that, and at least `from`, freeze the file
//	  volume: {below: 50%, above: 200%, mode: warn}   # records against the last good load; warn or freeze
//
// types and values can be stated for a table and for a column as well; the nearest counts. A frozen file is set aside
// whole, with everything that was refused in it told.
package preset
