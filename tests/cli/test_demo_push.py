"""`bqnctl demo --push`: the story of pushed data and RADIUS, and what it leaves."""

import subprocess
import sys
from pathlib import Path


def test_pushed_data_and_sessions_reach_the_bqn_after_review(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "generator", "demo", "--push", str(tmp_path / "story")]
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "XDG_STATE_HOME": str(tmp_path / "state")}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran
    assert "gestfy-demo: 217 requests" in ran.stdout
    assert "microwisp-demo: 20 sessions" in ran.stdout
    assert "+ 10 subscribers: policy Billing-Block" in ran.stdout
    assert "2 newly blocked: 100.64.0.1, 10.64.0.3" in ran.stdout
    desired = tmp_path / "story" / "desired"
    absent = (desired / "microwisp-demo" / "absent.yml").read_text()
    assert "10.64.0.4" in absent
    assert (tmp_path / "story" / "gateway" / "gestfy-demo.db").is_file()
