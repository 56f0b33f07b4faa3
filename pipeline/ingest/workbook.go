package ingest

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/xuri/nfp"
)

// workbookPart is the part that makes a zip archive an Excel workbook.
const workbookPart = "xl/workbook.xml"

// workbook is an XLSX file: its sheets by name, its shared texts, and which styles show a number as a date.
//
// The parts are read here and not by excelize: its row iterator ends at the first damaged element of a sheet without an
// error, tells neither errors nor dates from texts, and holds the packed file in memory. It is the oracle of the tests.
type workbook struct {
	zip    *zip.Reader
	sheets []sheetInfo
	is1904 bool
	styles []dateKind // by style
	texts  sharedTexts
}

type sheetInfo struct {
	name, part string
	isHidden   bool
	// hasCells is false for a sheet that is one chart or one dialogue.
	hasCells bool
}

// dateKind says what a number format shows.
type dateKind uint8

const (
	noDate dateKind = iota
	dateOnly
	timeOnly
	dateTime
)

// sharedTexts are the texts that cells refer to by number, behind each other.
type sharedTexts struct {
	data []byte
	ends []int
}

// maxSharedTexts is how much memory the texts of a workbook may take.
const maxSharedTexts = 1 << 30

func (t *sharedTexts) get(i int) ([]byte, bool) {
	if i < 0 || i >= len(t.ends) {
		return nil, false
	}
	from := 0
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.data[from:t.ends[i]], true
}

// newWorkbook reads all of a workbook but its sheets.
func newWorkbook(z *zip.Reader) (*workbook, error) {
	w := &workbook{zip: z}
	if err := w.readSheets(); err != nil {
		return nil, err
	}
	if err := w.readStyles(); err != nil {
		return nil, err
	}
	err := w.readTexts()
	return w, err
}

// isWorkbook reports whether an archive is an Excel workbook.
func isWorkbook(z *zip.Reader) bool {
	for _, f := range z.File {
		if f.Name == workbookPart {
			return true
		}
	}
	return false
}

// errNoPart says that a workbook lacks a part.
var errNoPart = errors.New("the part is missing")

// part opens a part of the workbook, whose size must not grow beyond measure.
func (w *workbook) part(name string) (io.ReadCloser, error) {
	for _, f := range w.zip.File {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		packed := &counter{n: int64(f.CompressedSize64)}
		return struct {
			io.Reader
			io.Closer
		}{&bounded{r: r, in: packed}, r}, nil
	}
	return nil, fmt.Errorf("open %s: %w", name, errNoPart)
}

// elements calls visit for each element of a part, down to the last byte, so that the checksum is compared as well.
func (w *workbook) elements(name string, visit func(d *xml.Decoder, e xml.StartElement) error) (err error) {
	r, err := w.part(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			if err := visit(d, e); err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
		}
	}
}

// attribute returns the attribute called name, whatever its name space.
func attribute(e *xml.StartElement, name string) string {
	for i := range e.Attr {
		if e.Attr[i].Name.Local == name {
			return e.Attr[i].Value
		}
	}
	return ""
}

func isTrue(text string) bool { return text == "1" || text == "true" }

func (w *workbook) readSheets() error {
	targets, kinds := map[string]string{}, map[string]string{}
	err := w.elements("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" {
			target := attribute(&e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = path.Join("xl", target)
			}
			id := attribute(&e, "Id")
			targets[id], kinds[id] = strings.TrimPrefix(target, "/"), path.Base(attribute(&e, "Type"))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.elements(workbookPart, func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			w.is1904 = isTrue(attribute(&e, "date1904"))
		case "sheet":
			// The attribute is r:id; sheetId has another local name.
			id, state := attribute(&e, "id"), attribute(&e, "state")
			w.sheets = append(w.sheets, sheetInfo{name: attribute(&e, "name"), part: targets[id], isHidden: state != "" && state != "visible",
				hasCells: kinds[id] != "chartsheet" && kinds[id] != "dialogsheet"})
		}
		return nil
	})
}

func (w *workbook) readStyles() error {
	formats := map[int]dateKind{}
	inCells := false
	err := w.elements("xl/styles.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			id, err := strconv.Atoi(attribute(&e, "numFmtId"))
			if err != nil {
				return fmt.Errorf("number format: %w", err)
			}
			formats[id] = kindOfFormat(attribute(&e, "formatCode"))
		case "cellXfs":
			inCells = true
		case "cellStyles", "dxfs", "cellStyleXfs":
			inCells = false
		case "xf":
			if !inCells {
				return nil
			}
			id, err := strconv.Atoi(attribute(&e, "numFmtId"))
			if err != nil {
				id = 0
			}
			kind, ok := formats[id]
			if !ok {
				kind = kindOfBuiltin(id)
			}
			w.styles = append(w.styles, kind)
		}
		return nil
	})
	if errors.Is(err, errNoPart) {
		return nil
	}
	return err
}

// kindOfBuiltin is the kind of a number format that every workbook has (ECMA-376, 18.8.30), those of East Asian
// languages included.
func kindOfBuiltin(id int) dateKind {
	switch {
	case id >= 14 && id <= 17, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return dateOnly
	case id >= 18 && id <= 21, id >= 32 && id <= 35, id == 45, id == 47, id == 55, id == 56:
		return timeOnly
	case id == 22:
		return dateTime
	}
	return noDate
}

// kindOfFormat is the kind of a number format by its code. An elapsed time, such as [h]:mm, is a number.
func kindOfFormat(code string) dateKind {
	parser := nfp.NumberFormatParser()
	sections := parser.Parse(code)
	if len(sections) == 0 {
		return noDate
	}
	hasDate, hasTime := false, false
	for _, token := range sections[0].Items {
		switch token.TType {
		case nfp.TokenTypeElapsedDateTimes:
			return noDate
		case nfp.TokenTypeDateTimes:
			switch letters := strings.ToLower(token.TValue); {
			case strings.ContainsAny(letters, "yd"):
				hasDate = true
			case strings.ContainsAny(letters, "hs"):
				hasTime = true
			case len(letters) > 2: // a month by its name; m and mm may be minutes
				hasDate = true
			}
		}
	}
	switch {
	case hasDate && hasTime:
		return dateTime
	case hasDate:
		return dateOnly
	case hasTime:
		return timeOnly
	}
	return noDate
}

func (w *workbook) readTexts() error {
	t := &w.texts
	err := w.elements("xl/sharedStrings.xml", func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		var err error
		if t.data, err = appendRichText(t.data, d, "si"); err != nil {
			return err
		}
		t.ends = append(t.ends, len(t.data))
		if len(t.data) > maxSharedTexts {
			return &FileError{Rule: RuleLimit, Message: fmt.Sprintf("its texts take more than %d bytes", maxSharedTexts), NextStep: "export it as CSV"}
		}
		return nil
	})
	if errors.Is(err, errNoPart) {
		return nil
	}
	return err
}

// appendRichText appends the text of an element that was just begun and is called name: what its t elements hold,
// except the hints of how it is pronounced.
func appendRichText(dst []byte, d *xml.Decoder, name string) ([]byte, error) {
	inText, hints := false, 0
	for {
		token, err := d.Token()
		if err != nil {
			return dst, noEOF(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			inText = e.Name.Local == "t"
			if e.Name.Local == "rPh" {
				hints++
			}
		case xml.EndElement:
			inText = false
			switch e.Name.Local {
			case "rPh":
				hints--
			case name:
				return dst, nil
			}
		case xml.CharData:
			if inText && hints == 0 {
				dst = appendUnescaped(dst, e)
			}
		}
	}
}

// appendUnescaped appends text in which a sign that XML cannot hold is written _x000D_.
func appendUnescaped(dst, text []byte) []byte {
	const length = len("_x000D_")
	for i := 0; i < len(text); i++ {
		if text[i] == '_' && i+length <= len(text) && text[i+1] == 'x' && text[i+length-1] == '_' {
			if r, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16); err == nil {
				dst = append(dst, string(rune(r))...)
				i += length - 1
				continue
			}
		}
		dst = append(dst, text[i])
	}
	return dst
}
