"""The bars of the Survey page."""

from __future__ import annotations

from app.ui.survey.charts import hours_html, species_html


def test_the_most_often_seen_species_has_the_whole_width_and_the_rest_is_one_bar():
    html = species_html([("chital <&>", 1200), *((f"animal {number}", 60) for number in range(9))])
    assert '<span>chital &lt;&amp;&gt;</span><i style="--share:1.000"></i><b>1,200</b>' in html
    assert '<span>others</span><i style="--share:0.100"></i><b>120</b>' in html


def test_every_hour_of_the_day_says_its_count():
    html = hours_html([0] * 5 + [4, 1] + [0] * 17)
    assert html.count('role="listitem"') == 24
    assert '--share:1.000" title="5:00 to 5:59: 4 images and videos"' in html
    assert '--share:0.250" title="6:00 to 6:59: 1 image or video"' in html
