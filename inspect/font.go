package inspect

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/text"
)

// lettering is a font for labels, with the labels to set in it.
type lettering struct {
	font    font.Font
	handler text.Handler
	labels  []string
}

// letter finds a font with the glyphs of all labels: Liberation Sans, which
// comes with the program, or else one of the system. On a raster medium, labels
// that no font has give way to their numbers, from 1.
func letter(labels []string, m medium) lettering {
	l, all := findLettering(labels)
	if m == raster && !all {
		l.labels = make([]string, len(labels))
		for i := range labels {
			l.labels[i] = strconv.Itoa(i + 1)
		}
	}
	return l
}

// findLettering says as well whether the font has all of the labels.
func findLettering(labels []string) (_ lettering, all bool) {
	faces := liberation.Collection()
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	l := lettering{sans, text.Plain{Fonts: font.NewCache(faces)}, labels}
	if covers(font.NewCache(faces).Lookup(sans, 1).Face, labels) {
		return l, true
	}
	if face := systemFont(); face != nil && covers(face, labels) {
		l.font = font.Font{Typeface: "System"}
		l.handler = text.Plain{Fonts: font.NewCache(font.Collection{{Font: l.font, Face: face}})}
		return l, true
	}
	return l, false
}

// covers reports whether a font has a glyph for each character of the labels.
func covers(face *opentype.Font, labels []string) bool {
	var buf sfnt.Buffer
	for _, label := range labels {
		for _, r := range label {
			if glyph, err := face.GlyphIndex(&buf, r); err != nil || glyph == 0 {
				return false
			}
		}
	}
	return true
}

// cjkFonts are files of sans-serif fonts with Japanese, Chinese and Korean, as
// Linux, macOS and Windows have them, the best first.
var cjkFonts = []string{
	"NotoSansCJK-Regular.ttc",
	"NotoSansCJKjp-Regular.otf",
	"NotoSansJP-Regular.otf",
	"NotoSansJP-Regular.ttf",
	"ipaexg.ttf",
	"ipag.ttf",
	"TakaoGothic.ttf",
	"VL-Gothic-Regular.ttf",
	"ヒラギノ角ゴシック W3.ttc",
	"Arial Unicode.ttf",
	"YuGothR.ttc",
	"meiryo.ttc",
	"msgothic.ttc",
}

// systemFont returns the first of cjkFonts that the system has, or nil.
var systemFont = sync.OnceValue(func() *opentype.Font {
	found := map[string]string{} // file name to path
	for _, root := range fontFolders() {
		// A folder that is missing or locked holds no font for us.
		_ = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				found[filepath.Base(path)] = path
			}
			return nil
		})
	}
	for _, name := range cjkFonts {
		if path, ok := found[name]; ok {
			if face := readFont(path); face != nil {
				return face
			}
		}
	}
	return nil
})

func fontFolders() []string {
	folders := []string{
		"/usr/share/fonts",
		"/usr/local/share/fonts",
		"/System/Library/Fonts",
		"/Library/Fonts",
		`C:\Windows\Fonts`,
	}
	if home, err := os.UserHomeDir(); err == nil {
		folders = append(folders, filepath.Join(home, ".local", "share", "fonts"),
			filepath.Join(home, "Library", "Fonts"))
	}
	return folders
}

// readFont returns the first font of a file, or nil where it is none.
func readFont(path string) *opentype.Font {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	collection, err := opentype.ParseCollection(data) // or a single font
	if err != nil {
		return nil
	}
	face, err := collection.Font(0)
	if err != nil {
		return nil
	}
	return face
}
