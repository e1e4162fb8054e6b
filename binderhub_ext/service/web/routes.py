"""The table of addresses, relative to the service's prefix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tornado.web import RequestHandler

from .handlers import (
    admin,
    api,
    build,
    catalogue,
    choices,
    classes,
    credentials,
    files,
    folders,
    links,
    meta,
    pages,
    shares,
    updates,
    uploads,
    usage,
    volumes,
)
from .pages import HUB_FILES

Route = tuple[str, type[RequestHandler]] | tuple[str, type[RequestHandler], dict[str, Any]]

_ID = r"([A-Za-z0-9_-]{1,64})"
_SERVER = r"([^/]+)"

_PICTURES = (
    r"(?:assets/images/)?"
    r"(badge\.svg|badge_logo\.svg|logo_social\.png|favicon_(?:fail|success|building)\.ico)"
)

PAGES: list[Route] = [
    (r"", pages.Home),
    (r"form", pages.FilledForm),
    (r"lists", pages.Lists),
    (r"launch", pages.LaunchForm),
    (r"work", pages.WorkForm),
    (rf"launches/{_ID}", pages.LaunchPage),
    (rf"servers/{_SERVER}/shares", shares.SharesForm),
    (rf"servers/{_SERVER}/invitations", shares.InvitationForm),
    (rf"servers/{_SERVER}/invitations/{_ID}/withdraw", shares.WithdrawForm),
    (rf"shared/{_SERVER}/([^/]*)/leave", shares.LeaveForm),
    (r"classes", classes.ClassesPage),
    (rf"class/{_ID}", classes.ClassPage),
    (rf"class/{_ID}/list", classes.ClassList),
    (rf"class/{_ID}/qr", classes.ClassPoster),
    (r"qr", classes.LinkPoster),
    (rf"c/{_ID}", classes.ClassLink),
    (r"volumes", volumes.VolumesPage),
    (r"update", updates.UpdatePage),
    (r"files", files.FilesPage),
    (r"files/folder", folders.FolderPage),
    (r"files/content", folders.ContentPage),
    (r"files/upload", uploads.UploadForm),
    (r"files/(.+)\.zip", files.ProjectZip),
    (r"catalogue", catalogue.CataloguePage),
    (r"catalogue/publish", catalogue.PublishPage),
    (rf"catalogue/{_ID}", catalogue.EntryPage),
    (rf"catalogue/{_ID}/picture/{_ID}", catalogue.PictureFile),
    (r"usage", usage.UsagePage),
    (r"language", pages.ChosenLanguage),
    (r"settings", pages.Settings),
    (r"admin", admin.AdminPage),
    (rf"admin/({admin.SECTIONS})", admin.AdminPage),
    (rf"settings/trust/{_ID}/revoke", pages.Revoke),
    (r"settings/credentials", credentials.StoreCredential),
    (rf"settings/credentials/{_ID}/remove", credentials.RemoveCredential),
    (r"settings/secrets", credentials.StoreSecret),
    (rf"settings/secrets/{_ID}/remove", credentials.RemoveSecret),
    (r"v2/([^/]+)/(.+)", links.Link),
    (r"open", links.Open),
    (r"repo/([^/]+)/([^/]+)(/.*)?", links.OldLink),
]

API: list[Route] = [
    (r"api/launches", api.LaunchesApi),
    (rf"api/launches/{_ID}", api.LaunchApi),
    (rf"api/launches/{_ID}/events", api.LaunchEvents),
    (rf"api/launches/{_ID}/readme", api.LaunchReadme),
    (rf"api/launches/{_ID}/notebook", api.LaunchNotebook),
    (rf"api/launches/{_ID}/cancel", api.LaunchCancel),
    (rf"api/launches/{_ID}/dismiss", api.LaunchDismiss),
    (rf"api/launches/{_ID}/log", api.LaunchLog),
    (r"api/work/events", api.WorkEvents),
    (r"api/servers", api.ServersApi),
    (rf"api/servers/{_SERVER}/stop", api.ServerStop),
    (rf"api/servers/{_SERVER}/shares", shares.SharesApi),
    (rf"api/servers/{_SERVER}/invitations", shares.InvitationsApi),
    (rf"api/servers/{_SERVER}/invitations/{_ID}", shares.InvitationApi),
    (rf"api/servers/{_SERVER}", api.ServerApi),
    (r"api/shared", shares.SharedApi),
    (rf"api/shared/{_SERVER}/([^/]*)/leave", shares.LeaveApi),
    (r"api/classes", classes.ClassesApi),
    (rf"api/classes/{_ID}", classes.ClassApi),
    (rf"api/classes/{_ID}/stop", classes.ClassStop),
    (rf"api/classes/{_ID}/end", classes.ClassEnd),
    (rf"api/classes/{_ID}/teachers", classes.ClassTeachers),
    (rf"api/classes/{_ID}/teachers/{_ID}", classes.ClassTeacher),
    (rf"api/classes/{_ID}/events", classes.ClassEvents),
    (r"api/prepare", classes.PrepareApi),
    (r"api/volumes", volumes.VolumesApi),
    (rf"api/volumes/{_ID}", volumes.VolumeApi),
    (rf"api/volumes/{_ID}/members", volumes.VolumeMembers),
    (rf"api/volumes/{_ID}/leave", volumes.VolumeLeave),
    (rf"api/volumes/trash/{_ID}/restore", volumes.VolumeRestore),
    (r"api/files", files.FilesApi),
    (r"api/files/folder", folders.FolderApi),
    (r"api/files/content", folders.ContentApi),
    (r"api/projects", files.ProjectsApi),
    (r"api/projects/(.+)", files.ProjectApi),
    (r"api/trash", files.TrashApi),
    (r"api/trash/([^/]+)/restore", files.TrashRestore),
    (r"api/trash/([^/]+)", files.TrashedApi),
    (r"api/update", updates.UpdateApi),
    (r"api/parse", api.ParseApi),
    (r"api/refs", choices.RefsApi),
    (r"api/paths", choices.PathsApi),
    (r"api/environment", api.EnvironmentApi),
    (r"api/share", choices.ShareApi),
    (r"api/catalogue", catalogue.CatalogueApi),
    (rf"api/catalogue/{_ID}", catalogue.EntryApi),
    (rf"api/catalogue/{_ID}/reports", catalogue.ReportsApi),
    (r"api/usage/me", usage.UsageApi),
    (r"api/admin/usage\.csv", usage.UsageCsv),
    (r"api/admin/usage/metrics", usage.UsageMetrics),
    (rf"api/admin/({admin.SECTIONS})", admin.AdminApi),
    (rf"api/admin/builds/{_ID}/cancel", admin.BuildCancel),
    (rf"api/admin/builds/{_ID}/log", admin.BuildLogText),
    (r"api/admin/environments/([^/]+)", admin.EnvironmentApi),
    (r"api/admin/environments/([^/]+)/pin", admin.EnvironmentPin),
    (rf"api/admin/servers/{_SERVER}/([^/]*)/stop", admin.TheirServerStop),
    (rf"api/admin/trust/{_ID}", admin.TrustApi),
    (r"api/admin/announcement", admin.AnnouncementApi),
    (rf"api/admin/catalogue/{_ID}", catalogue.MarksApi),
    (r"api/handover", credentials.HandoverApi),
    (r"api/build-tokens", build.BuildTokenApi),
    (r"build/([^/]+)/(.+)", build.Build),
]

PUBLIC: list[Route] = [
    (r"health", meta.Health),
    (r"versions", meta.Versions),
    (r"metrics", meta.Metrics),
    (r"api/repoproviders", meta.Providers),
    (r"oauth_callback", pages.OAuthCallback),
]


def routes(prefix: str, static: Path, *, api_only: bool = False) -> list[Route]:
    """Every route of the service; API-only mode has no pages."""
    files: list[Route] = [
        (r"static/hub/(.*)", pages.Static, {"path": str(HUB_FILES)}),
        (r"static/(.*)", pages.Static, {"path": str(static)}),
        (_PICTURES, links.Picture, {"path": str(static / "images")}),
    ]
    shown = PUBLIC + API if api_only else [*PAGES, *API, *PUBLIC, *files]
    return [(prefix + route[0], *route[1:]) for route in [*shown, (r"api/.*", meta.NotFoundApi)]]
