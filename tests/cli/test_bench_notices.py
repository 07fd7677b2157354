"""`bench notices`: every alarm arrives on the screen and, after it, at the mail server, and the figures say when."""

from pathlib import Path

from pdm_app.cli.bench.notices import bench_notices, way_of


async def test_each_alarm_is_seen_and_told_once(tmp_path: Path) -> None:
    way = await way_of(3, tmp_path)
    assert len(way.to_screen) == len(way.to_mail) == 3
    assert all(screen > 0 for screen in way.to_screen)
    assert all(mail > 0 for mail in way.to_mail)


async def test_the_table_holds_them_to_what_is_asked() -> None:
    report = await bench_notices(1)
    assert [(each.must, each.goal) for each in report.figures] == [(None, None), (150, 60), (5, 2)]
    assert all(each.value is not None for each in report.figures)
