package builtin_test

import (
	"fmt"
	"strings"

	"github.com/kotoba-nlp/kotoba/data/builtin"
)

func ExampleCorpus() {
	train, valid, test := builtin.Corpus()
	fmt.Println(len(train), len(valid), len(test))

	for _, p := range test {
		if p.Kind != builtin.KindPossessive {
			continue
		}
		fmt.Println(strings.Join(p.Source, " "))
		fmt.Println(strings.Join(p.Target, " "))
		for _, r := range p.Anaphora {
			fmt.Println(p.Target[r.Pronoun], "→", p.Target[r.Antecedent.Target], p.Source[r.Antecedent.Source])
		}
		break
	}
	// Output:
	// 9000 500 500
	// 工場 は その 建物 を 守っ て い ます 。
	// the factory is protecting its building .
	// its → factory 工場
}
