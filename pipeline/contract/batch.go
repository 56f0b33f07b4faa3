package contract

// Batch is a block of typed rows of one table, column by column: what ingest hands to the lake.
// Columns has one vector for each of Table.Columns, in that order; the other slices are one entry a row.
type Batch struct {
	Table   *Table
	Columns []Vector
	// Row is the record number in the export, 1 for the first record after the header.
	Row []int64
	// RowHash is the hash of the typed values, KeyHash that of the key.
	RowHash []uint64
	KeyHash []KeyHash
	// Extra holds unmapped columns as JSON, Deleted the rows that say that their key is gone.
	Extra   Vector
	Deleted []bool
}

// KeyHash identifies a key within a source and a table: 128 bits, so that chance collisions do not happen.
type KeyHash [2]uint64

// Provenance is what all rows of one file have in common.
type Provenance struct {
	Source, Preset, Object, File, SHA256, Dialect, RunID string
	// LoadedAt is when the export was received, in microseconds since 1970 UTC.
	LoadedAt int64
}

// NewBatch returns an empty batch for table t with room for n rows.
func NewBatch(t *Table, n int) *Batch {
	b := &Batch{
		Table:   t,
		Columns: make([]Vector, len(t.Columns)),
		Row:     make([]int64, 0, n),
		RowHash: make([]uint64, 0, n),
		KeyHash: make([]KeyHash, 0, n),
		Extra:   NewVector(JSON, n),
		Deleted: make([]bool, 0, n),
	}
	for i := range t.Columns {
		b.Columns[i] = NewVector(t.Columns[i].Type, n)
	}
	return b
}

// Len returns the number of rows.
func (b *Batch) Len() int { return len(b.Row) }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	for i := range b.Columns {
		b.Columns[i].Reset()
	}
	b.Extra.Reset()
	b.Row, b.RowHash, b.KeyHash, b.Deleted = b.Row[:0], b.RowHash[:0], b.KeyHash[:0], b.Deleted[:0]
}

// Vector holds the values of one column. Valid has one entry a row; a null row has a zero value in the
// slice of its type. Ints carries Int64, Date, Timestamp and Decimal (unscaled); Data and Offsets carry
// String and JSON: row i is Data[Offsets[i]:Offsets[i+1]].
type Vector struct {
	Type    Type
	Valid   []bool
	Bools   []bool
	Ints    []int64
	Floats  []float64
	Data    []byte
	Offsets []int
}

// NewVector returns an empty vector of type t with room for n rows.
func NewVector(t Type, n int) Vector {
	v := Vector{Type: t, Valid: make([]bool, 0, n)}
	switch t {
	case Bool:
		v.Bools = make([]bool, 0, n)
	case Int64, Date, Timestamp, Decimal:
		v.Ints = make([]int64, 0, n)
	case Float64:
		v.Floats = make([]float64, 0, n)
	default:
		v.Offsets = append(make([]int, 0, n+1), 0)
	}
	return v
}

// Len returns the number of rows.
func (v *Vector) Len() int { return len(v.Valid) }

// Reset empties the vector and keeps its memory.
func (v *Vector) Reset() {
	v.Valid, v.Bools, v.Ints, v.Floats, v.Data = v.Valid[:0], v.Bools[:0], v.Ints[:0], v.Floats[:0], v.Data[:0]
	if v.Offsets != nil {
		v.Offsets = v.Offsets[:1]
	}
}

// AppendNull adds a null row.
func (v *Vector) AppendNull() {
	v.Valid = append(v.Valid, false)
	switch v.Type {
	case Bool:
		v.Bools = append(v.Bools, false)
	case Int64, Date, Timestamp, Decimal:
		v.Ints = append(v.Ints, 0)
	case Float64:
		v.Floats = append(v.Floats, 0)
	default:
		v.Offsets = append(v.Offsets, len(v.Data))
	}
}

// AppendBool adds a row to a Bool vector.
func (v *Vector) AppendBool(x bool) {
	v.Valid, v.Bools = append(v.Valid, true), append(v.Bools, x)
}

// AppendInt adds a row to an Int64, Date, Timestamp or Decimal vector.
func (v *Vector) AppendInt(x int64) {
	v.Valid, v.Ints = append(v.Valid, true), append(v.Ints, x)
}

// AppendFloat adds a row to a Float64 vector.
func (v *Vector) AppendFloat(x float64) {
	v.Valid, v.Floats = append(v.Valid, true), append(v.Floats, x)
}

// AppendBytes adds a row to a String or JSON vector; x is copied.
func (v *Vector) AppendBytes(x []byte) {
	v.Valid, v.Data = append(v.Valid, true), append(v.Data, x...)
	v.Offsets = append(v.Offsets, len(v.Data))
}

// Bytes returns row i of a String or JSON vector without copying it.
func (v *Vector) Bytes(i int) []byte { return v.Data[v.Offsets[i]:v.Offsets[i+1]] }
