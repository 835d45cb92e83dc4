package pipeline

import (
	"encoding/json"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestPredictionsAreWrittenInOrder(t *testing.T) {
	p := Predictions{IDs: []string{"z", "a\"b"}, Answers: [][]Answer{
		{{0.25, 0, 0, "", 0, 1}, {0.75, 3, 5, "<日&本>", 1, 0.5}},
		{{1, 0, 0, "", -2, 1.5}},
	}}
	for want, write := range map[string]func(*strings.Builder) error{
		"{\n    \"z\": \"\",\n    \"a\\\"b\": \"\"\n}\n": func(b *strings.Builder) error { return p.Write(b) },
		"{\n    \"z\": -0.5,\n    \"a\\\"b\": -0.5\n}\n": func(b *strings.Builder) error { return p.WriteNullOdds(b) },
		`{
    "z": [
        {
            "text": "<日&本>",
            "probability": 0.75,
            "start_logit": 1,
            "end_logit": 0.5
        },
        {
            "text": "",
            "probability": 0.25,
            "start_logit": 0,
            "end_logit": 1
        }
    ],
    "a\"b": [
        {
            "text": "",
            "probability": 1,
            "start_logit": -2,
            "end_logit": 1.5
        }
    ]
}
`: func(b *strings.Builder) error { return p.WriteNBest(b) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, b.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	text, err := json.Marshal(p.Answers[0][1])
	if err != nil || string(text) != `{"score":0.75,"start":3,"end":5,"answer":"\u003c日\u0026本\u003e"}` {
		t.Errorf("%s, %v; want the form of transformers", text, err)
	}
}
