"""CLIP's network and tokenizer, as OpenAI released them under the MIT licence (LICENSES/CLIP-MIT.txt).

`model.py`, `simple_tokenizer.py` and `bpe_simple_vocab_16e6.txt.gz` are those of clip-anytorch 2.6.0, a fork of
https://github.com/openai/CLIP, unchanged. The rest of that package imports torchvision and pkg_resources, which this
program has to do without.
"""
