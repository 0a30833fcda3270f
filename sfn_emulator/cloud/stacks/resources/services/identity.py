"""IAM: roles, policies of every kind, users, groups, keys, instance profiles."""

from collections.abc import Iterable
from typing import Any, Final

from sfn_emulator.cloud.stacks.resources.fitting import text
from sfn_emulator.cloud.stacks.resources.kind import (
    PHYSICAL,
    CallError,
    Hands,
    Kind,
    Made,
    Properties,
    Standing,
    deleting,
)
from sfn_emulator.cloud.stacks.resources.tagging import listed, retag

_IAM: Final = "iam"
_HOLDERS: Final = {"Role": "Roles", "User": "Users", "Group": "Groups"}


def _create_principal(kind: str, **sources: str) -> Any:
    """Role, User or Group: made, then given its policies."""

    def create(hands: Hands, properties: Properties) -> Made:
        name = properties.get(f"{kind}Name") or hands.name(64)
        hands.claim(name, lambda: hands.call(_IAM, f"Get{kind}", **{f"{kind}Name": name}))
        told = hands.send(_IAM, f"Create{kind}", properties, **{f"{kind}Name": name})[kind]
        _policies(kind, hands, name, {}, properties)
        return Made(name, {"Arn": told["Arn"], **{key: told[source] for key, source in sources.items()}})

    return create


def _policies(kind: str, hands: Hands, name: str, before: Properties, after: Properties) -> None:
    named = {f"{kind}Name": name}
    old, new = (set(told.get("ManagedPolicyArns") or ()) for told in (before, after))
    for arn in sorted(new - old):
        hands.call(_IAM, f"Attach{kind}Policy", PolicyArn=arn, **named)
    for arn in sorted(old - new):
        hands.call(_IAM, f"Detach{kind}Policy", PolicyArn=arn, **named)
    inline = {row["PolicyName"]: row["PolicyDocument"] for row in after.get("Policies") or ()}
    for policy, document in inline.items():
        hands.call(_IAM, f"Put{kind}Policy", PolicyName=policy, PolicyDocument=text(document), **named)
    for row in before.get("Policies") or ():
        if row["PolicyName"] not in inline:
            hands.call(_IAM, f"Delete{kind}Policy", PolicyName=row["PolicyName"], **named)


def _update_role(hands: Hands, standing: Standing, properties: Properties) -> Made:
    name, before = standing.physical, standing.properties
    document = text(properties["AssumeRolePolicyDocument"])
    if text(before["AssumeRolePolicyDocument"]) != document:
        hands.call(_IAM, "UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=document)
    if any(before.get(key) != properties.get(key) for key in ("Description", "MaxSessionDuration")):
        told = {
            "Description": properties.get("Description", ""),
            "MaxSessionDuration": properties.get("MaxSessionDuration", 3600),
        }
        hands.send(_IAM, "UpdateRole", told, RoleName=name)
    if before.get("PermissionsBoundary") != properties.get("PermissionsBoundary"):
        if properties.get("PermissionsBoundary"):
            hands.send(_IAM, "PutRolePermissionsBoundary", properties, RoleName=name)
        else:
            hands.call(_IAM, "DeleteRolePermissionsBoundary", RoleName=name)
    _policies("Role", hands, name, before, properties)
    retag(
        before,
        properties,
        lambda tags: hands.call(_IAM, "TagRole", RoleName=name, Tags=listed(tags)),
        lambda keys: hands.call(_IAM, "UntagRole", RoleName=name, TagKeys=list(keys)),
    )
    return Made(name, standing.attributes)


def _update_principal(kind: str) -> Any:
    def update(hands: Hands, standing: Standing, properties: Properties) -> Made:
        _policies(kind, hands, standing.physical, standing.properties, properties)
        return Made(standing.physical, standing.attributes)

    return update


def _delete_principal(kind: str) -> Any:
    """Removes first what the stack attached. If others attached something, IAM refuses, as on AWS."""

    def delete(hands: Hands, standing: Standing) -> None:
        named = {f"{kind}Name": standing.physical}
        for arn in standing.properties.get("ManagedPolicyArns") or ():
            _gone_or(hands, f"Detach{kind}Policy", PolicyArn=arn, **named)
        for policy in hands.call(_IAM, f"List{kind}Policies", **named)["PolicyNames"]:
            hands.call(_IAM, f"Delete{kind}Policy", PolicyName=policy, **named)
        for profile in (
            hands.call(_IAM, "ListInstanceProfilesForRole", **named)["InstanceProfiles"] if kind == "Role" else ()
        ):
            hands.call(
                _IAM, "RemoveRoleFromInstanceProfile", InstanceProfileName=profile["InstanceProfileName"], **named
            )
        for group in hands.call(_IAM, "ListGroupsForUser", **named)["Groups"] if kind == "User" else ():
            hands.call(_IAM, "RemoveUserFromGroup", GroupName=group["GroupName"], **named)
        hands.call(_IAM, f"Delete{kind}", **named)

    return delete


def _gone_or(hands: Hands, operation: str, **parameters: Any) -> None:
    try:
        hands.call(_IAM, operation, **parameters)
    except CallError as error:
        if not error.is_gone:
            raise


def _create_user(hands: Hands, properties: Properties) -> Made:
    made: Made = _create_principal("User")(hands, properties)
    for group in properties.get("Groups") or ():
        hands.call(_IAM, "AddUserToGroup", GroupName=group, UserName=made.physical)
    return made


def _targets(properties: Properties) -> Iterable[tuple[str, str]]:
    for kind, plural in _HOLDERS.items():
        for name in properties.get(plural) or ():
            yield kind, str(name)


def _create_inline(hands: Hands, properties: Properties) -> Made:
    _put_inline(hands, properties)
    return Made(properties["PolicyName"], {"Id": properties["PolicyName"]})


def _put_inline(hands: Hands, properties: Properties) -> None:
    for kind, name in _targets(properties):
        hands.call(
            _IAM,
            f"Put{kind}Policy",
            PolicyName=properties["PolicyName"],
            PolicyDocument=text(properties["PolicyDocument"]),
            **{f"{kind}Name": name},
        )


def _update_inline(hands: Hands, standing: Standing, properties: Properties) -> Made:
    _put_inline(hands, properties)
    before, after = standing.properties, set(_targets(properties))
    moved = before["PolicyName"] != properties["PolicyName"]
    for kind, name in _targets(before):
        if moved or (kind, name) not in after:
            _gone_or(hands, f"Delete{kind}Policy", PolicyName=before["PolicyName"], **{f"{kind}Name": name})
    return Made(properties["PolicyName"], {"Id": properties["PolicyName"]})


def _delete_inline(hands: Hands, standing: Standing) -> None:
    for kind, name in _targets(standing.properties):
        _gone_or(hands, f"Delete{kind}Policy", PolicyName=standing.properties["PolicyName"], **{f"{kind}Name": name})


def _single_inline(kind: str) -> Kind:
    """``AWS::IAM::RolePolicy`` and its two siblings: one inline policy of one principal."""

    def put(hands: Hands, properties: Properties) -> Made:
        hands.send(_IAM, f"Put{kind}Policy", {"PolicyDocument": {}, **properties})
        return Made(f"{properties['PolicyName']}|{properties[f'{kind}Name']}")

    return Kind(
        f"AWS::IAM::{kind}Policy",
        put,
        lambda hands, standing, properties: put(hands, properties),
        deleting(_IAM, f"Delete{kind}Policy", PolicyName="PolicyName", **{f"{kind}Name": f"{kind}Name"}),
    )


def _create_managed(hands: Hands, properties: Properties) -> Made:
    name = properties.get("ManagedPolicyName") or hands.name(128)
    arn = hands.arn("iam", f"policy{properties.get('Path', '/')}{name}", region=False)
    hands.claim(arn, lambda: hands.call(_IAM, "GetPolicy", PolicyArn=arn))
    told = hands.send(_IAM, "CreatePolicy", properties, PolicyName=name)["Policy"]
    for kind, holder in _targets(properties):
        hands.call(_IAM, f"Attach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": holder})
    return Made(arn, {"PolicyArn": arn, "PolicyId": told["PolicyId"], "DefaultVersionId": told["DefaultVersionId"]})


def _update_managed(hands: Hands, standing: Standing, properties: Properties) -> Made:
    arn, before = standing.physical, standing.properties
    if text(before["PolicyDocument"]) != text(properties["PolicyDocument"]):
        document = text(properties["PolicyDocument"])
        versions = hands.call(_IAM, "ListPolicyVersions", PolicyArn=arn)["Versions"]
        spare = [row["VersionId"] for row in versions if not row["IsDefaultVersion"]]
        for version in spare:
            hands.call(_IAM, "DeletePolicyVersion", PolicyArn=arn, VersionId=version)
        hands.call(_IAM, "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    old, new = set(_targets(before)), set(_targets(properties))
    for kind, name in sorted(new - old):
        hands.call(_IAM, f"Attach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": name})
    for kind, name in sorted(old - new):
        _gone_or(hands, f"Detach{kind}Policy", PolicyArn=arn, **{f"{kind}Name": name})
    return Made(arn, standing.attributes)


def _delete_managed(hands: Hands, standing: Standing) -> None:
    for kind, name in _targets(standing.properties):
        _gone_or(hands, f"Detach{kind}Policy", PolicyArn=standing.physical, **{f"{kind}Name": name})
    for row in hands.call(_IAM, "ListPolicyVersions", PolicyArn=standing.physical)["Versions"]:
        if not row["IsDefaultVersion"]:
            hands.call(_IAM, "DeletePolicyVersion", PolicyArn=standing.physical, VersionId=row["VersionId"])
    hands.call(_IAM, "DeletePolicy", PolicyArn=standing.physical)


def _create_key(hands: Hands, properties: Properties) -> Made:
    told = hands.call(_IAM, "CreateAccessKey", UserName=properties["UserName"])["AccessKey"]
    return Made(told["AccessKeyId"], {"Id": told["AccessKeyId"], "SecretAccessKey": told["SecretAccessKey"]})


def _create_profile(hands: Hands, properties: Properties) -> Made:
    name = properties.get("InstanceProfileName") or hands.name(128)
    hands.claim(name, lambda: hands.call(_IAM, "GetInstanceProfile", InstanceProfileName=name))
    told = hands.send(_IAM, "CreateInstanceProfile", properties, InstanceProfileName=name)["InstanceProfile"]
    for role in properties.get("Roles") or ():
        hands.call(_IAM, "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    return Made(name, {"Arn": told["Arn"]})


def _delete_profile(hands: Hands, standing: Standing) -> None:
    name = standing.physical
    for role in hands.call(_IAM, "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]["Roles"]:
        hands.call(_IAM, "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role["RoleName"])
    hands.call(_IAM, "DeleteInstanceProfile", InstanceProfileName=name)


def _add_users(hands: Hands, properties: Properties) -> Made:
    for user in properties["Users"]:
        hands.call(_IAM, "AddUserToGroup", GroupName=properties["GroupName"], UserName=user)
    return Made(hands.name(128))


def _remove_users(hands: Hands, standing: Standing) -> None:
    for user in standing.properties["Users"]:
        _gone_or(hands, "RemoveUserFromGroup", GroupName=standing.properties["GroupName"], UserName=user)


KINDS: Final = (
    Kind(
        "AWS::IAM::Role",
        _create_principal("Role", RoleId="RoleId"),
        _update_role,
        _delete_principal("Role"),
        named="RoleName",
    ),
    Kind("AWS::IAM::User", _create_user, _update_principal("User"), _delete_principal("User"), named="UserName"),
    Kind(
        "AWS::IAM::Group",
        _create_principal("Group"),
        _update_principal("Group"),
        _delete_principal("Group"),
        named="GroupName",
    ),
    Kind("AWS::IAM::Policy", _create_inline, _update_inline, _delete_inline),
    *map(_single_inline, _HOLDERS),
    Kind("AWS::IAM::ManagedPolicy", _create_managed, _update_managed, _delete_managed, named="ManagedPolicyName"),
    Kind(
        "AWS::IAM::AccessKey",
        _create_key,
        None,
        deleting(_IAM, "DeleteAccessKey", UserName="UserName", AccessKeyId=PHYSICAL),
    ),
    Kind("AWS::IAM::InstanceProfile", _create_profile, None, _delete_profile, named="InstanceProfileName"),
    Kind("AWS::IAM::UserToGroupAddition", _add_users, None, _remove_users),
)
