"""The manifest: napari finds everything that the plugin says it has."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import pytest
from magicgui.widgets import Container
from napari._app_model import get_app_model
from napari._app_model.constants._menus import MenuId
from npe2 import PluginManager, PluginManifest
from npe2.manifest.utils import import_python_name

ROOT = Path(__file__).parents[1]
NAME = "napari-fastsam"
DOCK = "FastSAM (napari-fastsam)"
"""What napari makes of the widget's and the plugin's name."""
DOCKS = [widget.display_name for widget in PluginManifest.from_distribution(NAME).contributions.widgets]
COMMANDS = [command.id for command in PluginManifest.from_distribution(NAME).contributions.commands]


@pytest.fixture
def plugin(npe2pm):
    """The plugin as installed, alone in a plugin manager."""
    with npe2pm.tmp_plugin(package=NAME) as plugin:
        yield plugin


def test_the_installed_manifest_is_the_one_at_the_top_of_the_repository():
    assert (ROOT / "napari.yaml").resolve() == ROOT / "src" / "napari_fastsam" / "napari.yaml"
    assert PluginManifest.from_file(ROOT / "napari.yaml").contributions == (
        PluginManifest.from_distribution(NAME).contributions
    )


def test_nothing_needs_a_newer_or_older_schema():
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert manifest.name == project["name"]
    assert manifest.schema_version == "0.3.0"
    assert manifest.categories == ["Segmentation", "Annotation"]
    assert "Framework :: napari" in project["classifiers"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_leads_to_something_that_can_be_called(plugin, command):
    contribution = next(c for c in plugin.manifest.contributions.commands if c.id == command)
    assert callable(import_python_name(contribution.python_name))


def test_every_contribution_names_a_command_that_exists(plugin):
    contributions = plugin.manifest.contributions
    named = [widget.command for widget in contributions.widgets]
    named += [sample.command for sample in contributions.sample_data]
    named += [item.command for items in contributions.menus.values() for item in items]
    named += [entry.command for entry in contributions.readers or ()]
    named += [entry.command for entry in contributions.writers or ()]

    assert set(named) == set(COMMANDS), "a command that nothing leads to, or the other way round"


@pytest.mark.parametrize("name", DOCKS)
def test_napari_can_hand_the_viewer_to_the_dock(plugin, name):
    (widget,) = (w for w in plugin.manifest.contributions.widgets if w.display_name == name)
    dock = widget.get_callable()

    assert issubclass(dock, Container)
    parameters = inspect.signature(dock.__init__).parameters.values()
    # The two ways in which napari recognises who wants the viewer.
    assert any(p.name == "napari_viewer" or p.annotation == "napari.viewer.Viewer" for p in parameters)


@pytest.mark.parametrize(
    ("menu", "command"),
    [
        ("napari/layers/segment", "napari-fastsam.dock"),
        ("napari/layers/annotate", "napari-fastsam.dock"),
        ("napari/layers/measure", "napari-fastsam.compare"),
        ("napari/layers/annotate", "napari-fastsam.review"),
        ("napari/layers/segment", "napari-fastsam.train"),
    ],
)
def test_a_dock_is_in_menus_that_napari_opens_to_plugins(plugin, menu, command):
    assert menu in {entry.value for entry in MenuId.contributables()}
    assert command in [item.command for item in plugin.manifest.contributions.menus[menu]]


def test_there_are_the_docks_that_the_documentation_names():
    assert set(DOCKS) == {"FastSAM", "Compare", "Train", "Annotate a folder", "Classes", "Review"}


@pytest.mark.parametrize("key", ["fluorescence_nuclei", "stained_tissue", "nuclei_3d"])
def test_a_sample_opens_by_its_key(plugin, key):
    sample = next(s for s in PluginManager.instance().iter_sample_data() if s[0] == NAME)[1]
    contribution = next(s for s in sample if s.key == key)
    ((data, keywords, kind),) = contribution.open()

    assert kind == "image"
    assert data.ndim >= 2
    assert keywords["metadata"]["source"]


def test_the_settings_have_defaults_that_pass_their_own_rules(settings_of, plugin):
    settings = settings_of(NAME)

    assert settings.model.name == "nuclei"
    assert settings.model.device == "auto"
    assert settings.model.cache_mb == 512
    assert settings.thresholds.conf == 0.25
    assert settings.thresholds.iou == 0.7
    assert settings.behaviour.live is True
    assert settings.behaviour.preserve_labels is True


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("model", "device", "tpu"),
        ("model", "cache_mb", 0),
        ("thresholds", "conf", 1.5),
        ("thresholds", "conf", 0.0),
        ("thresholds", "iou", -0.1),
    ],
)
def test_a_setting_outside_its_range_is_refused(settings_of, plugin, section, key, value):
    part = getattr(settings_of(NAME), section)
    with pytest.raises(ValueError, match=key):
        setattr(part, key, value)


def test_a_setting_is_kept_on_disk(settings_of, plugin):
    settings = settings_of(NAME)
    settings.thresholds.conf = 0.4

    assert "conf: 0.4" in Path(settings.config_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("menu", ["napari/layers/segment", "napari/layers/annotate"])
def test_the_menu_item_opens_the_dock_and_hides_it_again(make_napari_viewer, npe2pm, qtbot, menu):
    viewer = make_napari_viewer(show=True)
    app = get_app_model()
    with npe2pm.tmp_plugin(package=NAME):
        item = next(i for i in app.menus.get_menu(menu) if i.command.id.startswith(NAME))
        assert item.command.title == DOCK

        app.commands.execute_command(item.command.id).result()
        assert viewer.window.dock_widgets[DOCK].image.value is None  # it is there, and no image is
        qtbot.waitUntil(item.command.toggled.get_current)  # a window shows itself with the event loop

        app.commands.execute_command(item.command.id).result()
        qtbot.waitUntil(lambda: not item.command.toggled.get_current())
