"""Splits by their names: `Training`, `val2017` and `imgs_train` name parts of a dataset, as `dev` does."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

_SPELLINGS: Mapping[str, str] = {
    "train": """
        train training trn trainval lern entrenamiento entreno entrainement apprentissage addestramento
        allenamento treino treinamento traning trening treningowy treningowe egitim обучение обучающая
        тренировочная 训练 训练集 訓練 訓練集 学習 学習用 훈련 학습
    """,
    "validation": """
        validation validate valid val dev minival validierung validering validacion convalida validazione
        validacao validatie walidacja walidacyjny walidacyjne dogrulama валидация валидационная
        验证 验证集 驗證 驗證集 検証 検証用 검증
    """,
    "test": """
        test testing tst eval evaluation holdout teste testes prueba pruebas essai essais prova pruf prufung
        testowy testowe auswertung evaluacion evaluacao valutazione тест тестовая
        测试 测试集 測試 測試集 テスト テスト用 評価 테스트 평가
    """,
}
_OF_FOLDERS = {"extra": "extra", "unlabeled": "unlabeled", "unlabelled": "unlabeled", "pred": "prediction"}
_BESIDE = """
    a image images img imgs pic pics picture pictures photo photos jpg jpeg jpegs png frames data
    dataset datasets set sets split part fold folder dir stage label labels labeled labelled annotation
    annotations mask masks seg cls class classes raw orig original originals small large full mini tiny
    clean final new resized cropped crop aug augmented public private the of for
    daten datensatz bilder sdaten sdatensatz sbilder sset datos imagenes conjunto donnees ensemble jeu dati
    insieme dados imagens de di do данные выборка набор
    数据 数据集 图像 图片 資料 データ 画像 데이터 세트 이미지
"""  # what may stand beside the word in the name of a folder
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def unaccented(text: str) -> str:
    """Return a text without the accents of its letters: `validación` is `validacion`."""
    if text.isascii():
        return text
    bare = "".join(letter for letter in unicodedata.normalize("NFD", text) if letter not in _ACCENTS)
    return unicodedata.normalize("NFC", bare)


_ACCENTS = frozenset(map(chr, range(0x300, 0x370)))  # the marks of other scripts make other letters
_NEUTRAL = frozenset(map(unaccented, _BESIDE.split()))

WORDS: Mapping[str, str] = {
    unaccented(word): split for split, spelled in _SPELLINGS.items() for word in spelled.split()
}
"""A word, and the split that it means: in English, and in the languages that folders are often named in."""


def tokens(name: str) -> list[str]:
    """Cut a name into words and numbers, in lower case: `valImages2017` is val, images, 2017."""
    return [token.lower() for token in _TOKEN.findall(unaccented(name))]


def canonical(word: str) -> str:
    """Return the split that a word typed by the user means, or the word itself."""
    return WORDS.get(unaccented(word).lower(), word)


def words_in(name: str) -> dict[str, str]:
    """Return the words in a file's path that name a split, as they are spelled, with the split of each."""
    return {token: split for token in tokens(name) if (split := _meaning(token, WORDS))}


def split_of(folder: str) -> str | None:
    """Return the split that a folder is called after, if nothing else in its name says what it holds."""
    found, rest = _parted(folder)
    return found if not rest else None


def splits_among(folders: Iterable[str]) -> dict[str, str]:
    """Return the folders that are called after splits.

    `signs_train` is, too, where `signs_test` stands beside it; alone it may be any class.
    """
    parted = {folder: _parted(folder) for folder in folders}
    kinds: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for split, rest in parted.values():
        if split:
            kinds[rest].add(split)
    return {
        folder: split
        for folder, (split, rest) in parted.items()
        if split and (not rest or len(kinds[rest]) > 1)
    }


def is_plain(folder: str) -> bool:
    """Whether a folder's name is one common word, as a class could have it: `train`, not `train2017`."""
    return len(tokens(folder)) == 1 and folder.isalpha()


def matching(names: Sequence[str], asked: str) -> list[str]:
    """Return the names that `--split asked` means: that very one, else that but for case, else by meaning."""
    if asked in names:
        return [asked]
    alike = [name for name in names if name.lower() == asked.lower()]
    if alike:
        return alike
    wanted = split_of(asked) or asked.lower()
    meanings = splits_among(names)
    return [name for name in names if meanings.get(name, canonical(name)) == wanted]


def _parted(folder: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the split at the begin or the end of a folder's name, and what else the name says."""
    words = tokens(folder)
    for place in (0, -1) if words else ():
        split = _meaning(words[place], WORDS) or (_OF_FOLDERS.get(words[0]) if len(words) == 1 else None)
        if split:
            others = words[1:] if place == 0 else words[:-1]
            return split, tuple(word for word in others if not _says_nothing(word))
    return None, ()


def _meaning(token: str, words: Mapping[str, str]) -> str | None:
    """Return the split of a word, also where another is glued to it: `trainset`, `testimages`."""
    if token in words:
        return words[token]
    for word, split in words.items():
        if token.startswith(word) and token[len(word) :] in _NEUTRAL and len(token) > len(word) + 1:
            return split
        if token.endswith(word) and token[: -len(word)] in _NEUTRAL and len(token) > len(word) + 1:
            return split
    return None


def _says_nothing(word: str) -> bool:
    return word in _NEUTRAL or word.isdigit() or len(word) == 1
