package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// oracle proves a record by jsontext.
func oracle(raw []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("behind the value: %w", err)
	}
	return nil
}

// oracleField is what jsontext reads at a path of members; ok is false where a record has no such value, or null.
func oracleField(raw []byte, path ...string) (text string, ok bool) {
	for _, wanted := range path {
		d := jsontext.NewDecoder(bytes.NewReader(raw))
		if d.PeekKind() != '{' {
			return "", false
		}
		_, _ = d.ReadToken()
		raw = nil
		for d.PeekKind() == '"' && raw == nil {
			name, _ := d.ReadToken()
			isWanted := name.String() == wanted
			if value, _ := d.ReadValue(); isWanted {
				raw = bytes.Clone(value)
			}
		}
		if raw == nil {
			return "", false
		}
	}
	return jsonText(raw), raw[0] != 'n'
}

// provers are readers that have seen much, so that what was foretold stands against what comes.
type provers struct {
	bare, mapped *jsonFields
	proof        jsonProof
}

func newProvers() *provers {
	return &provers{bare: newJSONFields(nil), mapped: newJSONFields([]string{"a", "b.c", "b.d.e", `x[0]`, "b.f[*]", "g[k=v].w"})}
}

// check holds the proofs of a record against the oracle.
func (p *provers) check(t interface{ Fatalf(string, ...any) }, raw []byte) {
	want := oracle(raw)
	p.proof.names.reset()
	end := p.proof.value(raw, skipSpace(raw, 0), 0)
	if isProven := end != notJSON && skipSpace(raw, end) == len(raw); isProven != (want == nil) {
		t.Fatalf("%.200q: proven %v, jsontext says %v", raw, isProven, want)
	}
	rec := &record{raw: raw}
	if err := p.bare.read(rec); (err == nil) != (want == nil) || errors.Is(err, errNotProven) {
		t.Fatalf("%.200q: %v, jsontext says %v", raw, err, want)
	}
	err := p.mapped.read(rec)
	if errors.Is(err, errZeroByte) {
		return
	}
	if (err == nil) != (want == nil) {
		t.Fatalf("%.200q with a mapping: %v, jsontext says %v", raw, err, want)
	}
	if err != nil {
		return
	}
	isDeepest := raw[0] != '{' // it is one deeper in the rest, which then jsontext does not take
	if len(rec.rest) > 0 && !isDeepest && oracle(rec.rest) != nil {
		t.Fatalf("%.200q: the rest %.200q is no JSON", raw, rec.rest)
	}
	for i, path := range [][]string{{"a"}, {"b", "c"}, {"b", "d", "e"}} {
		want, ok := oracleField(raw, path...)
		if got := rec.field(i); string(got) != want && ok || (got != nil) != ok {
			t.Fatalf("%.200q: field %v is %q, jsontext says %q", raw, path, got, want)
		}
	}
}

func proofSeeds() []string {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	deepObject := func(n int) string { return strings.Repeat(`{"b":`, n) + "1" + strings.Repeat("}", n) }
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprintf(`"n%d":%d`, i, i)
	}
	seeds := []string{
		`{"a":1,"b":{"c":"x","d":{"e":[1,{"k":"v"}]},"f":[null,2]},"g":[{"k":"v","w":-0.5e+10}],"x":[[]]}`,
		`{"a":"1234567\\","b":{"c":"\"","d":null}}`, `{"a":1,"\u0061":2}`, `{"z":{"a":1,"\u0061":2}}`, `{"\ud83d\ude00":1,"😀":2}`,
		`{"a":"\ud800"}`, `{"a":"\ud800\u0041"}`, `{"a":"\udc00\ud800"}`, `{"a":"\uD83D\uDE00"}`, `{"a":"\ud83d\u"}`, `{"a":"\u12g4"}`, `{"a":"\u00`,
		"{\"a\":\"\xff\"}", "{\"a\xff\":1}", "{\"a\":\"abcdefg\xc3\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"é\":\"Übergröße 汉字 \U0001f600\"}",
		"{\"a\":\"x\ty\"}", "{\"a\":\"x\x00y\"}", "{\"a\":\"x\x1fy\x7f\"}", `{"a":"\u0000"}`, "{\"a\":\"\n\"}",
		"01", "-", "-0", "1.", ".5", "1e", "1e+", "1E-07", "-01", "0x1", "+1", "1e5.5", "1 2", "0.0", "9e", "1_0", "--1",
		"nul", "nulll", "null ", "true,", "tru", "falsey", "NaN", "", " ", "\"", "\"\\", "[", "[1", "[1,", "[1,]", "[,1]", "[]]", "{", "{,}", "{}}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{1:2}`, `[1:2]`, "[}", "{]",
		"\ufeff{}", "{}\x00", "{}\v", "\f{}", "{\u00a0}", " \t\r\n{ \"a\" : \t1 , \"b\" :\r\n{ } } ",
		"{" + strings.Join(many, ",") + "}", "{" + strings.Join(many, ",") + `,"n7":0}`, `{"z":{` + strings.Join(many, ",") + `,"n2999":0}}`, `{"z":{` + strings.Join(many, ",") + `},"n1":{"n1":1}}`,
		`{"a":1,"c":2,"b":3}`, `{"b":3,"a":1}`, `{"a":1,"b":1,"a":1}`, `{"b":{"c":1,"c":2}}`, `{"z":[{"a":1},{"a":1}]}`, `{"z":[{"a":{"a":1}},{"a":1,"a":2}]}`,
	}
	for _, n := range []int{512, 513, maxProofDepth - 1, maxProofDepth, maxProofDepth + 1} {
		seeds = append(seeds, deep(n), deepObject(n), `{"b":{"d":`+deep(n-2)+`}}`, `{"z":`+deepObject(n-1)+`}`)
	}
	return seeds
}

// A record is proven if and only if jsontext takes it, in whatever order records come.
func TestProofAgreesWithJSONText(t *testing.T) {
	p := newProvers()
	seeds := proofSeeds()
	for range 2 {
		for _, seed := range seeds {
			p.check(t, []byte(seed))
			newProvers().check(t, []byte(seed))
		}
	}
	// Cut at every byte, and with every byte of a few kinds in every place.
	for _, seed := range seeds {
		for i := range min(len(seed), 200) {
			p.check(t, []byte(seed[:i]))
			for _, c := range []byte("\"\\{}[],:0-.eu \n\x00\x1f\x80\xc3\xff") {
				if len(seed) < 200 {
					p.check(t, []byte(seed[:i]+string([]byte{c})+seed[i+1:]))
					p.check(t, []byte(seed[:i]+string([]byte{c})+seed[i:]))
				}
			}
		}
	}
}

// The files of the suite of JSON are judged as jsontext judges them.
func TestProofOfTheJSONSuite(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("../../../shared/realdata/bad", "json-test-suite", "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("the suite is not beside the repository")
	}
	p := newProvers()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p.check(t, data)
		p.check(t, []byte(`{"b":{"d":`+string(data)+`},"z":[`+string(data)+`]}`))
	}
}

// Records made of the pieces of JSON, right and wrong, are judged alike.
func TestProofOfPieces(t *testing.T) {
	p := newProvers()
	piece := rapid.SampledFrom([]string{"{", "}", "[", "]", ",", ":", `"a":`, `"b":`, `"c":1`, `"\u0061":`, `"d":{`, `"f":[`, `"x"`, `"\\"`, `"é"`, "\"\xff\"", "1", "-0.1e5", "null", "true", " ", "\n", `"g":[{"k":"v"}]`, `"longer name than eight"`, `"\ud83d\ude00"`})
	value := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 0, 25).Draw(t, "pieces"), "") })
	member := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{`"a"`, `"b"`, `"c"`, `"\u0061"`, `"é"`, `"x"`, `"g"`}).Draw(t, "name")
		return name + ":" + rapid.SampledFrom([]string{"1", "null", `"x\n"`, `{"c":1,"d":{"e":2}}`, `{"c":1,"c":2}`, `[1,{"k":"v","w":3}]`, "[0,1,", "{}", "[]"}).Draw(t, "value")
	})
	rapid.Check(t, func(t *rapid.T) {
		p.check(t, []byte(value.Draw(t, "text")))
		p.check(t, []byte("{"+value.Draw(t, "members")+"}"))
		p.check(t, []byte("{"+strings.Join(rapid.SliceOfN(member, 0, 6).Draw(t, "members"), ",")+"}"))
	})
}

func FuzzProof(f *testing.F) {
	for _, seed := range proofSeeds() {
		if len(seed) < 1000 {
			f.Add([]byte(seed))
		}
	}
	p := newProvers()
	f.Fuzz(func(t *testing.T, data []byte) { p.check(t, data) })
}

// An object of any number of members costs what it is long.
func TestProofOfManyNames(t *testing.T) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range 100_000 {
		fmt.Fprintf(&b, `"%d":1,`, i)
	}
	b.WriteString(`"last":1}`)
	for _, text := range []string{b.String(), `{"z":` + b.String() + `,"y":[` + b.String() + "]}"} {
		x := newJSONFields([]string{"last"})
		if err := x.read(&record{raw: []byte(text)}); err != nil {
			t.Fatal(err)
		}
		again := strings.Replace(text, `"last"`, `"99999"`, 1)
		if err := x.read(&record{raw: []byte(again)}); !errors.Is(err, jsontext.ErrDuplicateName) {
			t.Errorf("a name twice among many: %v", err)
		}
		if err := x.read(&record{raw: []byte(text)}); err != nil {
			t.Errorf("the same record behind one with a name twice: %v", err)
		}
	}
}
