from transformers import AutoTokenizer
def test_a(library, parameters, tiny_bert, tiny_dinov2):
    print(list(library.tasks), parameters)
    t=AutoTokenizer.from_pretrained(tiny_bert, local_files_only=True)
    print(t(["hello there, friend"], add_special_tokens=False), len(t))
    import os; print(os.listdir(tiny_bert), os.listdir(tiny_dinov2))
