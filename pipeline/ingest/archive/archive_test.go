package archive_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/partnerhealth/partnerhealth/pipeline/ingest/archive"
)

var arrived = time.Date(2026, 8, 1, 2, 0, 0, 0, time.UTC)

// entry is a member to pack.
type entry struct {
	name, content string
	method        uint16
}

func packed(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zstd.ZipMethodWinZip, zstd.ZipCompressor())
	for _, e := range entries {
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: e.method, NonUTF8: strings.Contains(e.name, "\x81")})
		if err == nil {
			_, err = io.WriteString(w, e.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gz(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// skippable is a frame of zstd without data, as pzstd writes before each of its frames.
const skippable = "\x50\x2a\x4d\x18\x02\x00\x00\x00hi"

func zst(t testing.TB, text string) string {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(e.EncodeAll([]byte(text), nil))
}

// expand lists data, and reads every member again to compare it with what is told of it. It returns path and content.
func expand(t testing.TB, path, data string, l archive.Limits) ([]string, error) {
	t.Helper()
	l.Dir = t.TempDir()
	c, err := archive.Expand(context.Background(), path, strings.NewReader(data), int64(len(data)), arrived, l)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range c.Members {
		r, err := c.Open(m)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); m.SHA256 != hex.EncodeToString(sum[:]) || m.Size != int64(len(content)) || !m.ModTime.Equal(arrived) {
			t.Errorf("%+v does not tell of its %d bytes", m, len(content))
		}
		out = append(out, m.Path+" "+string(content))
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(l.Dir); err != nil || len(left) > 0 {
		t.Errorf("%d scratch files are left, %v", len(left), err)
	}
	return out, nil
}

func TestExpand(t *testing.T) {
	const text = "a,b\n1,2\n"
	inner := packed(t, entry{"Account.csv", text, zip.Deflate}, entry{"dir/Contact.csv", "c", zip.Store})
	book := packed(t, entry{"[Content_Types].xml", "", zip.Store}, entry{"xl/workbook.xml", "<workbook/>", zip.Deflate})
	for _, c := range []struct {
		name, data string
		want       []string
	}{
		{"a file that is no archive", text, []string{"in/x.zip " + text}},
		{"an empty file", "", []string{"in/x.zip "}},
		{"a compressed file", gz(t, text), []string{"in/x.zip " + gz(t, text)}},
		{"a workbook", book, []string{"in/x.zip " + book}},
		{"a compressed file that is cut off is left to its reader", gz(t, text)[:20], []string{"in/x.zip " + gz(t, text)[:20]}},
		{"several members", inner, []string{"in/x.zip/Account.csv " + text, "in/x.zip/dir/Contact.csv c"}},
		{"folders are no members", packed(t, entry{"dir/", "", zip.Store}, entry{"dir/a", "1", zip.Store}), []string{"in/x.zip/dir/a 1"}},
		{"an archive without members", packed(t), nil},
		{"archives within an archive", packed(t, entry{"WE_1.zip", inner, zip.Deflate}, entry{"WE_2.ZIP", inner, zip.Store}, entry{"note", "n", zip.Deflate}),
			[]string{"in/x.zip/WE_1.zip/Account.csv " + text, "in/x.zip/WE_1.zip/dir/Contact.csv c",
				"in/x.zip/WE_2.ZIP/Account.csv " + text, "in/x.zip/WE_2.ZIP/dir/Contact.csv c", "in/x.zip/note n"}},
		{"compressed members stay as they are", packed(t, entry{"a.csv.gz", gz(t, text), zip.Store}, entry{"b", zst(t, text), zip.Deflate}),
			[]string{"in/x.zip/a.csv.gz " + gz(t, text), "in/x.zip/b " + zst(t, text)}},
		{"a compressed archive", gz(t, inner), []string{"in/x.zip/Account.csv " + text, "in/x.zip/dir/Contact.csv c"}},
		{"an archive compressed behind a frame to pass over", skippable + zst(t, inner), []string{"in/x.zip/Account.csv " + text, "in/x.zip/dir/Contact.csv c"}},
		{"a compressed archive within an archive", packed(t, entry{"y", zst(t, inner), zip.Store}), []string{"in/x.zip/y/Account.csv " + text, "in/x.zip/y/dir/Contact.csv c"}},
		{"a workbook within an archive", packed(t, entry{"cost.xlsx", book, zip.Deflate}), []string{"in/x.zip/cost.xlsx " + book}},
		{"members packed with zstd", packed(t, entry{"a", text, zstd.ZipMethodWinZip}), []string{"in/x.zip/a " + text}},
		{"names of the first PC", packed(t, entry{"M\x81ller.csv", "1", zip.Store}), []string{"in/x.zip/Müller.csv 1"}},
	} {
		got, err := expand(t, "in/x.zip", c.data, archive.DefaultLimits())
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", c.name, diff, err)
		}
	}
}

// While an archive within an archive is open its scratch copy has no name any more: a run that is killed leaves none behind.
func TestScratchCopiesHaveNoName(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file keeps its name there")
	}
	data := packed(t, entry{"in.zip", packed(t, entry{"a", "1", zip.Store}), zip.Store})
	l := archive.DefaultLimits()
	l.Dir = t.TempDir()
	c, err := archive.Expand(t.Context(), "x.zip", strings.NewReader(data), int64(len(data)), arrived, l)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(l.Dir); err != nil || len(left) > 0 {
		t.Errorf("while it is open there are %v, %v", left, err)
	}
	r, err := c.Open(c.Members[0])
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "1" {
		t.Errorf("%q, %v", text, err)
	}
	if err := errors.Join(r.Close(), c.Close()); err != nil {
		t.Error(err)
	}
}

// encrypted sets the flag of a password in both headers of the only member.
func encrypted(data string) string {
	b := []byte(data)
	b[6] |= 1
	at := bytes.Index(b, []byte("PK\x01\x02"))
	b[at+8] |= 1
	return string(b)
}

func TestArchivesThatAreRefused(t *testing.T) {
	one := packed(t, entry{"a.csv", strings.Repeat("a,b\n", 100), zip.Deflate})
	zeros := strings.Repeat("\x00", 80<<20)
	deep := one
	for range 4 {
		deep = packed(t, entry{"in.zip", deep, zip.Store})
	}
	small := archive.DefaultLimits()
	small.Members, small.Member, small.Total = 2, 1000, 1500
	changed := []byte(packed(t, entry{"a.csv", "content", zip.Store}))
	changed[bytes.Index(changed, []byte("content"))] ^= 1
	for _, c := range []struct {
		name, data string
		limits     archive.Limits
		rule, want string
	}{
		{"cut off", one[:len(one)-10], small, archive.RuleDamaged, "x.zip is refused: the archive is cut off or damaged: zip: not a valid zip file; export or copy it again"},
		{"beginning alone", one[:4], small, archive.RuleDamaged, "x.zip is refused"},
		{"a changed byte", string(changed), small, archive.RuleDamaged, "x.zip/a.csv is refused: the archive is cut off or damaged: zip: checksum error"},
		{"a damaged archive within", packed(t, entry{"b.zip", one[:len(one)-1], zip.Store}), small, archive.RuleDamaged, "x.zip/b.zip is refused"},
		{"a cut compressed member", packed(t, entry{"b.gz", gz(t, "abcdef")[:25], zip.Store}), small, archive.RuleDamaged, "x.zip/b.gz is refused: the archive is cut off or damaged: unexpected EOF"},
		{"a compressed archive that is cut off", gz(t, one)[:100], small, archive.RuleDamaged, "x.zip is refused"},
		{"a password", encrypted(one), small, archive.RuleEncrypted, "x.zip/a.csv is refused: the archive has a password; send it without one, over a connection that is encrypted"},
		{"a name that climbs", packed(t, entry{"../a", "1", zip.Store}), small, archive.RuleName, `names a member "../a", which is no path within an archive`},
		{"a name from the root", packed(t, entry{"/etc/passwd", "1", zip.Store}), small, archive.RuleName, `"/etc/passwd"`},
		{"a name with a drive", packed(t, entry{"C:a", "1", zip.Store}), small, archive.RuleName, `"C:a"`},
		{"a name of Windows", packed(t, entry{`a\b`, "1", zip.Store}), small, archive.RuleName, `"a\\b"`},
		{"a name twice", packed(t, entry{"a", "1", zip.Store}, entry{"a", "2", zip.Store}), small, archive.RuleName, "names this member twice"},
		{"many members", packed(t, entry{"a", "", zip.Store}, entry{"b", "", zip.Store}, entry{"c", "", zip.Store}), small, archive.RuleLimit, "x.zip/c is refused: it is member number 3 of its archive"},
		{"a large member", packed(t, entry{"a", strings.Repeat("x", 1001), zip.Store}), small, archive.RuleLimit, "it is larger than 1000 bytes"},
		{"large altogether", packed(t, entry{"a", strings.Repeat("x", 999), zip.Store}, entry{"b", strings.Repeat("x", 999), zip.Store}), small, archive.RuleLimit, "it makes its archive larger than 1500 bytes"},
		{"a bomb", packed(t, entry{"a", zeros, zip.Deflate}), archive.DefaultLimits(), archive.RuleLimit, "it unpacks to more than 500 times its size"},
		{"a bomb within", packed(t, entry{"a.gz", gz(t, zeros), zip.Store}), archive.DefaultLimits(), archive.RuleLimit, "it unpacks to more than 500 times its size"},
		{"a bomb of zstd", packed(t, entry{"a", zst(t, zeros), zip.Store}), archive.DefaultLimits(), archive.RuleLimit, "it unpacks to more than 500 times its size"},
		{"archives too deep", deep, archive.DefaultLimits(), archive.RuleLimit, "it holds archives more than 4 deep"},
	} {
		_, err := expand(t, "x.zip", c.data, c.limits)
		var refused *archive.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: error %v, want a refused archive", c.name, err)
			continue
		}
		if refused.Rule != c.rule || !strings.Contains(err.Error(), c.want) || refused.NextStep == "" {
			t.Errorf("%s: rule %s, %v", c.name, refused.Rule, err)
		}
	}
}

// A zip file that is cut anywhere is refused, or it is none any more.
func TestCutArchives(t *testing.T) {
	whole := packed(t, entry{"a.csv", strings.Repeat("a,b\n", 100), zip.Deflate}, entry{"b.csv", "1,2\n", zip.Store})
	rapid.Check(t, func(rt *rapid.T) {
		cut := rapid.IntRange(4, len(whole)-1).Draw(rt, "cut")
		var refused *archive.Error
		if got, err := expand(t, "x.zip", whole[:cut], archive.DefaultLimits()); !errors.As(err, &refused) {
			rt.Fatalf("cut at %d: %v, %v", cut, got, err)
		}
	})
}

type broken struct{ err error }

func (b broken) ReadAt([]byte, int64) (int, error) { return 0, b.err }

func TestErrorsThatAreNotTheArchives(t *testing.T) {
	reset := errors.New("connection reset")
	var refused *archive.Error
	if _, err := archive.Expand(t.Context(), "x.zip", broken{reset}, 100, arrived, archive.DefaultLimits()); !errors.Is(err, reset) || errors.As(err, &refused) {
		t.Errorf("broken reader: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data := packed(t, entry{"a", "1", zip.Store})
	if _, err := archive.Expand(ctx, "x.zip", strings.NewReader(data), int64(len(data)), arrived, archive.DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	l := archive.DefaultLimits()
	l.Dir = "/does/not/exist"
	data = packed(t, entry{"a.zip", data, zip.Store})
	if _, err := archive.Expand(t.Context(), "x.zip", strings.NewReader(data), int64(len(data)), arrived, l); err == nil || errors.As(err, &refused) {
		t.Errorf("no scratch folder: %v", err)
	}
}

func TestIsArchive(t *testing.T) {
	for data, want := range map[string]bool{"": false, "PK": false, "a,b\n": false, "[1]": false, packed(t): true, packed(t, entry{name: "a"}): true, gz(t, ""): true, zst(t, "x"): true} {
		if got := archive.IsArchive([]byte(data)); got != want {
			t.Errorf("%.8q: %v", data, got)
		}
	}
}

// Whatever the bytes are, members add up to what they say, or the archive is refused.
func FuzzExpand(f *testing.F) {
	one := packed(f, entry{"a.csv", "a,b\n1,2\n", zip.Deflate}, entry{"b.csv", "x", zip.Store})
	f.Add([]byte(one))
	f.Add([]byte(packed(f, entry{"in.zip", one, zip.Store}, entry{"c.gz", gz(f, "text"), zip.Store}, entry{"d", zst(f, "text"), zip.Deflate})))
	f.Add([]byte(gz(f, one)))
	f.Add([]byte(zst(f, one)))
	f.Add(binary.LittleEndian.AppendUint32(nil, 0x06054b50))
	l := archive.DefaultLimits()
	l.Total, l.Member, l.Members = 1<<20, 1<<20, 50
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := expand(t, "x", string(data), l)
		var refused *archive.Error
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		if refused != nil && (refused.Rule == "" || refused.Message == "" || refused.NextStep == "" || refused.Path == "") {
			t.Fatal(fmt.Errorf("incomplete: %w", err))
		}
	})
}
